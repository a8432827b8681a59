/* SPDX-License-Identifier: MIT */
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "call.h"
#include "epoll.h"
#include "exe.h"

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

#define CHUNKS (1u << (31 - FD_CHUNK))
#define CHUNK_BYTES (sizeof(struct fd_entry) << FD_CHUNK)
#define MARGIN 8 /* so many numbers before its own the leader gives way */

static struct fd_entry *place(struct fd_table *table, int fd)
{
	uint32_t chunk = (uint32_t)fd >> FD_CHUNK;

	if (!table->chunk)
		table->chunk = memory_map(CHUNKS * sizeof(*table->chunk));
	if (table->chunk && !table->chunk[chunk])
		table->chunk[chunk] = memory_map(CHUNK_BYTES);
	if (!table->chunk || !table->chunk[chunk])
		return NULL;
	if ((uint32_t)fd >= table->end)
		table->end = (uint32_t)fd + 1;
	return &table->chunk[chunk][(uint32_t)fd & ((1u << FD_CHUNK) - 1)];
}

static struct fd_entry *slot(struct process *p, int fd)
{
	struct fd_entry *e;

	if (fd < 0)
		return NULL;
	e = place(&p->fds, fd);
	if (!e)
		stop_internal("no memory for the descriptor table", -ENOMEM);
	if (unlikely((uint32_t)(variant.base - 1 - fd) < MARGIN) && p->leader)
		fd_give_way();
	return e;
}

static void lock(struct process *p)
{
	if (!p->alone)
		lock_acquire(&p->fds.lock);
}

static void unlock(struct process *p)
{
	if (!p->alone)
		lock_release(&p->fds.lock);
}

struct fd_entry *fd_set_kind(struct process *p, int fd, enum fd_kind kind)
{
	struct fd_entry *e;

	lock(p);
	e = slot(p, fd);
	if (e) {
		release(e);
		e->kind = (uint8_t)kind;
	}
	unlock(p);
	return e;
}

int fd_copy(struct fd_table *to, const struct process *from)
{
	*to = (struct fd_table){0};
	for (uint32_t fd = 0; fd < from->fds.end; fd++) {
		const struct fd_entry *source = fd_get(from, (int)fd);
		struct fd_entry *e;

		if (!source)
			continue;
		e = place(to, (int)fd);
		if (!e)
			return -ENOMEM;
		*e = *source;
		if (e->path)
			e->path->references++;
		if (e->epoll)
			epoll_share(e->epoll);
	}
	return 0;
}

void fd_drop(struct process *p)
{
	for (uint32_t fd = 0; fd < p->fds.end; fd++) {
		struct fd_entry *e = fd_get(p, (int)fd);

		if (!e)
			continue;
		e->real = 0; /* a number in the child's kernel table, which is gone */
		release(e);
	}
	for (uint32_t i = 0; p->fds.chunk && i < CHUNKS; i++) {
		if (p->fds.chunk[i])
			memory_unmap(p->fds.chunk[i], CHUNK_BYTES);
	}
	if (p->fds.chunk)
		memory_unmap(p->fds.chunk, CHUNKS * sizeof(*p->fds.chunk));
}

void fd_duplicate(struct process *p, int from, int to)
{
	struct fd_entry *source, copy, *e;

	if (from == to)
		return;
	lock(p);
	source = fd_get(p, from);
	if (source)
		source->shared = true;
	copy = source ? *source : (struct fd_entry){.kind = FD_OTHER, .shared = true};
	e = slot(p, to);
	for (uint32_t i = 0; p->fds.epolls && i < p->fds.end; i++) {
		struct fd_entry *other = fd_get(p, (int)i);

		if (other && other->epoll)
			epoll_mark_shared(other->epoll, from);
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
	unlock(p);
}

void fd_share_all(struct process *p)
{
	for (uint32_t i = 0; i < p->fds.end; i++) {
		struct fd_entry *e = fd_get(p, (int)i);

		if (e)
			e->shared = true;
		if (e && e->epoll)
			epoll_mark_all_shared(e->epoll);
	}
}

void fd_forget(struct process *p, int fd)
{
	struct fd_entry *e;

	lock(p);
	e = fd_get(p, fd);
	if (e)
		release(e);
	unlock(p);
}

void fd_forget_range(struct process *p, uint32_t first, uint32_t last)
{
	for (uint32_t fd = first; fd < p->fds.end && fd <= last; fd++)
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
	char program[SESSION_PROGRAM];
	const char *path;
	long real;

	if (p->leader)
		return fd;
	if (!e)
		return -EBADF;
	if (e->real)
		return e->real - 1;
	if (!e->path)
		return -ENXIO;
	path = e->path->text;
	/* The follower must not alter what the leader's file holds: it only reads. */
	if (p->session->gate && exe_find(p, AT_FDCWD, path, program))
		path = program;
	real = sys(SYS_openat, AT_FDCWD, path,
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

int fd_empty_shadow(struct process *p, int fd)
{
	struct fd_entry *e = fd_get(p, fd);
	long copy;

	if (!e)
		return -EBADF;
	if (e->shadow)
		return e->real - 1;
	copy = sys(SYS_memfd_create, "tandem-shadow", MFD_CLOEXEC);
	if (copy < 0)
		return (int)copy;
	if (e->real)
		sys(SYS_close, e->real - 1);
	e->real = (int32_t)copy + 1;
	e->shadow = true;
	return (int)copy;
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

static bool all_free(uint32_t first)
{
	for (uint32_t i = 0; i < variant.fds; i++) {
		if (!fd_reserved((int)(first + i)) && sys(SYS_fcntl, first + i, F_GETFD) != -EBADF)
			return false;
	}
	return true;
}

static bool move_to(uint32_t base)
{
	int old = variant.base;
	uint32_t n = variant.fds;

	if ((uint32_t)old < base + n && base < (uint32_t)old + n)
		return false; /* they would overwrite each other */
	for (uint32_t i = 0; i < n; i++) {
		if (sys(SYS_dup3, old + (int)i, base + i, 0) < 0) {
			while (i--)
				sys(SYS_close, base + i);
			return false;
		}
	}
	variant.base = (int)base;
	for (uint32_t i = 0; i < n; i++)
		sys(SYS_close, old + (int)i);
	return true;
}

void fd_give_way(void)
{
	struct rlimit limit, raised;
	uint32_t old = (uint32_t)variant.base, base = 4 * old, n = variant.fds;
	bool moved;

	sys(SYS_getrlimit, RLIMIT_NOFILE, &limit);
	while (!all_free(base))
		base++;
	/* Above the limit the program can't come, so that is the best place; for a moment it is
	 * ours. */
	raised = limit;
	if (raised.rlim_cur < base + n)
		raised.rlim_cur = base + n;
	if (raised.rlim_max < base + n) {
		base = (uint32_t)limit.rlim_max;
		raised.rlim_cur = raised.rlim_max = base + n;
	}
	moved = sys(SYS_setrlimit, RLIMIT_NOFILE, &raised) == 0 && move_to(base);
	sys(SYS_setrlimit, RLIMIT_NOFILE, &limit);
	/* Not allowed: the highest free numbers below the limit. */
	for (base = (uint32_t)limit.rlim_cur; !moved && base > old + 2 * n; base--)
		moved = all_free(base - n) && move_to(base - n);
}

static bool internet(int fd)
{
	int domain = 0;
	uint32_t bytes = sizeof(domain);

	return sys(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &domain, &bytes) == 0 &&
	       (domain == AF_INET || domain == AF_INET6);
}

static void adopt(struct process *p, int fd, struct fd_list *list)
{
	struct fd_entry *e;

	if (memory_grow((void **)&list->item, &list->bytes,
			(list->count + 1) * sizeof(*list->item)))
		stop_internal("no memory for the descriptor table", -ENOMEM);
	list->item[list->count] = (struct record_descriptor){(uint32_t)fd, fd_probe(fd)};
	e = fd_set_kind(p, fd, list->item[list->count].kind);
	e->shared = true;
	e->inet = e->kind == FD_SOCKET && internet(fd);
	list->count++;
}

/* Where there is no /proc: one poll tells which of many numbers are open. */
#define POLL_MOST 4096

static void adopt_by_poll(struct process *p, struct fd_list *list)
{
	size_t bytes = POLL_MOST * sizeof(struct pollfd);
	struct pollfd *fds = memory_map(bytes);
	struct rlimit limit = {POLL_MOST, 0};
	const struct timespec at_once = {0};
	uint32_t count = POLL_MOST;

	if (!fds)
		stop_internal("no memory for the descriptor table", -ENOMEM);
	sys(SYS_getrlimit, RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < count)
		count = (uint32_t)limit.rlim_cur;
	for (uint32_t fd = 0; fd < count; fd++)
		fds[fd] = (struct pollfd){.fd = (int)fd};
	sys(SYS_ppoll, fds, count, &at_once, 0);
	for (uint32_t fd = 0; fd < count; fd++) {
		if (!(fds[fd].revents & POLLNVAL) && !fd_reserved((int)fd))
			adopt(p, (int)fd, list);
	}
	memory_unmap(fds, bytes);
}

struct directory_entry {
	uint64_t inode;
	int64_t next;
	uint16_t bytes;
	uint8_t type;
	char name[];
};

void fd_adopt(struct process *p, struct fd_list *list)
{
	uint8_t buffer[2048] __attribute__((aligned(8)));
	long n, directory = sys(SYS_openat, AT_FDCWD, "/proc/self/fd",
				O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (directory < 0) {
		adopt_by_poll(p, list);
		return;
	}
	while ((n = sys(SYS_getdents64, directory, buffer, sizeof(buffer))) > 0) {
		const struct directory_entry *e;

		for (long at = 0; at < n; at += e->bytes) {
			int fd = 0;

			e = (const void *)(buffer + at);
			if (e->name[0] == '.')
				continue;
			for (const char *digit = e->name; *digit; digit++)
				fd = 10 * fd + (*digit - '0');
			if (fd != (int)directory && !fd_reserved(fd))
				adopt(p, fd, list);
		}
	}
	sys(SYS_close, directory);
}

/* O_NONBLOCK in the arguments of whatever makes descriptors: it's the same bit everywhere. */
static bool asked_nonblocking(const struct call *c)
{
	for (int i = 0; i < 6; i++) {
		const struct arg_desc *a = &c->row->arg[i];

		if (a->type == ARG_FLAGS && (c->args[i] & O_NONBLOCK) &&
		    (a->aux == FLAGS_OPEN || a->aux == FLAGS_SOCKET_TYPE ||
		     a->aux == FLAGS_EVENTFD || a->aux == FLAGS_TIMERFD))
			return true;
	}
	return false;
}

void fd_note_new(struct call *c)
{
	const struct fd_entry *listener = fd_get(c->process, (int)c->args[0]);
	bool inet = c->call == CALL_socket ? c->args[0] == AF_INET || c->args[0] == AF_INET6
					   : c->call == CALL_accept4 && listener && listener->inet;
	struct fd_entry *e;

	e = fd_set_kind(c->process, (int)c->result, c->row->kind ? c->row->kind : FD_OTHER);
	if (e) {
		e->nonblocking = asked_nonblocking(c);
		e->inet = inet;
	}
	if (e && e->kind == FD_EPOLL) {
		e->epoll = epoll_new();
		c->process->fds.epolls = true;
		if (!e->epoll)
			stop_internal("no memory for epoll's table", -ENOMEM);
	}
}
