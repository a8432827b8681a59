/* SPDX-License-Identifier: MIT */
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "call.h"
#include "epoll.h"

static void release(struct fd_entry *e)
{
	if (e->path && --e->path->references == 0)
		pool_free(e->path, e->path->bytes);
	if (e->epoll)
		epoll_release(e->epoll);
	if (e->real)
		sys(SYS_close, e->real - 1);
	*e = (struct fd_entry){0};
}

static struct fd_entry *slot(struct process *p, int fd)
{
	size_t bytes = p->fds.size * sizeof(struct fd_entry);

	if (fd < 0)
		return NULL;
	if ((uint32_t)fd >= p->fds.size) {
		if (memory_grow((void **)&p->fds.entry, &bytes,
				((size_t)fd + 1) * sizeof(struct fd_entry)) < 0)
			stop_internal("no memory for the descriptor table", -ENOMEM);
		p->fds.size = (uint32_t)(bytes / sizeof(struct fd_entry));
	}
	return &p->fds.entry[fd];
}

struct fd_entry *fd_set_kind(struct process *p, int fd, enum fd_kind kind)
{
	struct fd_entry *e = slot(p, fd);

	if (!e)
		return NULL;
	release(e);
	e->kind = (uint8_t)kind;
	return e;
}

int fd_copy(struct fd_table *to, const struct fd_table *from)
{
	size_t bytes = from->size * sizeof(struct fd_entry);

	to->entry = memory_map(bytes ? bytes : 1);
	if (!to->entry)
		return -ENOMEM;
	to->size = from->size;
	memcpy(to->entry, from->entry, bytes);
	for (uint32_t i = 0; i < to->size; i++) {
		if (to->entry[i].path)
			to->entry[i].path->references++;
		if (to->entry[i].epoll)
			epoll_share(to->entry[i].epoll);
		/* Descriptors of our own are the parent's: the child shares neither number nor end. */
		to->entry[i].real = 0;
		to->entry[i].shadow = false;
	}
	return 0;
}

void fd_drop(struct fd_table *table)
{
	for (uint32_t i = 0; i < table->size; i++)
		release(&table->entry[i]);
	memory_unmap(table->entry, table->size * sizeof(struct fd_entry));
}

void fd_duplicate(struct process *p, int from, int to)
{
	struct fd_entry *source = fd_get(p, from), copy, *e;

	if (from == to)
		return;
	copy = source ? *source : (struct fd_entry){.kind = FD_OTHER};
	e = slot(p, to);
	if (!e)
		return;
	for (uint32_t i = 0; i < p->fds.size; i++) {
		if (p->fds.entry[i].epoll)
			epoll_mark_shared(p->fds.entry[i].epoll, from);
	}
	if (copy.path)
		copy.path->references++;
	if (copy.epoll)
		epoll_share(copy.epoll);
	if (copy.real) {
		long real = sys(SYS_fcntl, copy.real - 1, F_DUPFD_CLOEXEC, 3);

		copy.real = real < 0 ? 0 : (int32_t)real + 1;
	}
	release(e);
	*e = copy;
}

void fd_forget(struct process *p, int fd)
{
	if ((uint32_t)fd < p->fds.size && p->fds.entry[fd].kind)
		release(&p->fds.entry[fd]);
}

void fd_forget_range(struct process *p, uint32_t first, uint32_t last)
{
	for (uint32_t fd = first; fd < p->fds.size && fd <= last; fd++)
		fd_forget(p, (int)fd);
}

#define PATH_BYTES 4096

/* The directory that a relative path starts from; 0 bytes: unknown. */
static size_t directory(const struct process *p, int dirfd, char *to)
{
	const struct fd_entry *d = fd_get(p, dirfd);
	long n;

	if (dirfd == AT_FDCWD) {
		n = sys(SYS_getcwd, to, PATH_BYTES);
		return n > 0 ? (size_t)n - 1 : 0;
	}
	if (!d || !d->path)
		return 0;
	n = (long)strlen(d->path->text);
	memcpy(to, d->path->text, (size_t)n);
	return (size_t)n;
}

int fd_set_path(struct process *p, int fd, int dirfd, const char *path, uint32_t flags)
{
	struct fd_entry *e = fd_get(p, fd);
	long length = user_strnlen(path, PATH_BYTES - 1);
	char start[PATH_BYTES];
	struct fd_path *recipe;
	size_t n = 0, bytes;

	if (!e || length < 0)
		return -EINVAL;
	if (*path != '/') {
		n = directory(p, dirfd, start);
		if (n)
			start[n++] = '/';
	}
	bytes = sizeof(*recipe) + n + (size_t)length + 1;
	recipe = pool_alloc(bytes);
	if (!recipe)
		return -ENOMEM;
	recipe->references = 1;
	recipe->bytes = (uint32_t)bytes;
	memcpy(recipe->text, start, n);
	user_read(recipe->text + n, path, (size_t)length);
	e->path = recipe;
	e->flags = flags;
	return 0;
}

/* A follower's own descriptors stay out of the numbers a new image would take for the program's. */
#define REAL_LOWEST 3

int fd_real(struct process *p, int fd)
{
	struct fd_entry *e = fd_get(p, fd);
	long real;

	if (p->leader)
		return fd;
	if (!e)
		return -EBADF;
	if (e->real)
		return e->real - 1;
	if (!e->path)
		return -ENXIO;
	/* The follower must not alter what the leader's file holds: it only reads. */
	real = sys(SYS_openat, AT_FDCWD, e->path->text,
		   O_RDONLY | O_CLOEXEC | O_NOCTTY | (e->flags & (O_DIRECTORY | O_PATH)));
	if (real < 0)
		return (int)real;
	e->real = (int32_t)real + 1;
	return (int)real;
}

static int copy_file(int from, int to)
{
	static uint8_t buffer[16384];
	int64_t at = 0;

	for (;;) {
		long n = sys(SYS_pread64, from, buffer, sizeof(buffer), at);

		if (n <= 0)
			return (int)n;
		n = sys(SYS_pwrite64, to, buffer, n, at);
		if (n < 0)
			return (int)n;
		at += n;
	}
}

int fd_shadow(struct process *p, int fd)
{
	struct fd_entry *e = fd_get(p, fd);
	int from = fd_real(p, fd), error;
	long copy;

	if (from < 0 || p->leader || e->shadow)
		return from;
	copy = sys(SYS_memfd_create, "tandem-shadow", MFD_CLOEXEC);
	if (copy < 0)
		return (int)copy;
	error = copy_file(from, (int)copy);
	sys(SYS_close, from);
	e->real = error < 0 ? 0 : (int32_t)copy + 1;
	e->shadow = error == 0;
	if (error < 0)
		sys(SYS_close, copy);
	return error < 0 ? error : (int)copy;
}

enum fd_kind fd_probe(int fd)
{
	struct stat st;

	if (sys(SYS_fstat, fd, &st) < 0)
		return FD_CLOSED;
	if (S_ISSOCK(st.st_mode))
		return FD_SOCKET;
	if (S_ISFIFO(st.st_mode))
		return FD_PIPE;
	return S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ? FD_FILE : FD_OTHER;
}

/* One poll tells which of many numbers are open. */
#define ADOPT_MOST 4096

uint32_t fd_adopt(struct process *p, struct record_descriptor *out, uint32_t most)
{
	size_t bytes = ADOPT_MOST * sizeof(struct pollfd);
	struct pollfd *fds = memory_map(bytes);
	struct rlimit limit = {ADOPT_MOST, 0};
	uint32_t n = 0, count = ADOPT_MOST;

	if (!fds)
		stop_internal("no memory for the descriptor table", -ENOMEM);
	sys(SYS_getrlimit, RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < count)
		count = (uint32_t)limit.rlim_cur;
	for (uint32_t fd = 0; fd < count; fd++)
		fds[fd] = (struct pollfd){.fd = (int)fd};
	sys(SYS_poll, fds, count, 0);
	for (uint32_t fd = 0; fd < count && n < most; fd++) {
		if ((fds[fd].revents & POLLNVAL) || fd_reserved((int)fd))
			continue;
		out[n] = (struct record_descriptor){fd, fd_probe((int)fd)};
		fd_set_kind(p, (int)fd, out[n].kind);
		n++;
	}
	memory_unmap(fds, bytes);
	return n;
}

void fd_note_new(struct call *c)
{
	struct fd_entry *e;

	e = fd_set_kind(c->process, (int)c->result, c->row->kind ? c->row->kind : FD_OTHER);
	if (e && e->kind == FD_EPOLL) {
		e->epoll = epoll_new();
		if (!e->epoll)
			stop_internal("no memory for epoll's table", -ENOMEM);
	}
}
