/* SPDX-License-Identifier: MIT */
/* Calls that make, duplicate and close descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/openat2.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "../execute.h"
#include "../fd.h"
#include "../passed.h"
#include "hooks.h"

/* Is the path below one of the prefixes where writing is expected? */
static bool expected_to_write(const struct session *s, const char *path)
{
	const char *prefix = s->write_paths;

	for (; *prefix; prefix += strlen(prefix) + 1) {
		if (!strncmp(prefix, path, strlen(prefix)) && !strstr(path, "/../"))
			return true;
	}
	return false;
}

void hook_open(struct call *c)
{
	bool how = c->call == CALL_openat2;
	uint64_t flags = c->args[2];
	char path[PATH_MAX]; /* most calls read, and don't pay for it */
	struct open_how asked;
	long n;

	/* What decides is a copy, which is then compared and executed. */
	if (how) {
		flags = O_RDWR;
		if (c->args[3] == sizeof(asked) &&
		    user_read(&asked, (void *)c->args[2], sizeof(asked)) == 0) {
			flags = asked.flags;
			c->args[2] = (uint64_t)&asked;
		}
	}
	if (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) {
		n = user_strnlen((const char *)c->args[1], sizeof(path));
		if (n >= 0 && n < (long)sizeof(path) &&
		    user_read(path, (const char *)c->args[1], (size_t)n) == 0) {
			path[n] = 0;
			c->args[1] = (uint64_t)path;
		} else {
			path[0] = 0;
		}
		c->lockstep = !expected_to_write(c->process->session, path);
	}
	call_enter(c);
	if (c->process->leader)
		call_execute(c);
	call_leave(c);
	if (!call_failed(c->result) && !c->restart) {
		fd_note_new(c);
		if (!c->process->leader)
			fd_set_path(c->process, (int)c->result, (int)c->args[0],
				    (const char *)c->args[1], (uint32_t)flags);
	}
	call_finish(c);
}

/* The program's range without the monitor's own descriptors. */
static long close_range_execute(uint32_t first, uint32_t last, uint32_t flags)
{
	uint32_t base = (uint32_t)variant.base, end = base + variant.fds;
	long error = 0;

	if (first > last)
		return -EINVAL;
	if (last < base || first >= end)
		return sys(SYS_close_range, first, last, flags);
	if (first < base)
		error = sys(SYS_close_range, first, base - 1, flags);
	if (error == 0 && last >= end)
		error = sys(SYS_close_range, end, last, flags);
	return error;
}

void hook_close(struct call *c)
{
	struct process *p = c->process;
	bool range = c->call == CALL_close_range;
	uint64_t *a = c->args;

	c->hold = true;
	call_enter(c);
	if (p->leader && range)
		c->result = close_range_execute((uint32_t)a[0], (uint32_t)a[1], (uint32_t)a[2]);
	else if (p->leader)
		call_execute(c);
	/* close() has closed whatever error it reports, but for EBADF. */
	if (p->leader && !range && c->result != -EBADF)
		fd_forget(p, (int)a[0]);
	call_leave(c);
	if (range && c->result == 0 && !(a[2] & CLOSE_RANGE_CLOEXEC))
		fd_forget_range(p, (uint32_t)a[0], (uint32_t)a[1]);
	else if (!p->leader && !range && c->result != -EBADF)
		fd_forget(p, (int)a[0]);
	call_finish(c);
}

void hook_dup(struct call *c)
{
	struct process *p = c->process;

	c->hold = true;
	call_enter(c);
	if (p->leader) {
		if (c->call == CALL_dup3 && fd_reserved((int)c->args[1]))
			fd_give_way();
		call_execute(c);
	}
	if (p->leader && !call_failed(c->result))
		fd_duplicate(p, (int)c->args[0], (int)c->result);
	call_leave(c);
	if (!p->leader && !call_failed(c->result))
		fd_duplicate(p, (int)c->args[0], (int)c->result);
	call_finish(c);
}

/* pipe2 and socketpair: two descriptors at the address that is their last or first argument. */
void hook_pipe(struct call *c)
{
	int at = c->call == CALL_socketpair ? 3 : 0, pair[2];

	call_enter(c);
	if (c->process->leader)
		call_execute(c);
	call_leave(c);
	if (c->result == 0 && user_read(pair, (void *)c->args[at], sizeof(pair)) == 0) {
		fd_set_kind(c->process, pair[0], c->row->kind);
		fd_set_kind(c->process, pair[1], c->row->kind);
	}
	call_finish(c);
}

#define SPLICE_FLAGS 15

/* The bytes that were compared, copied: pages that the program gives it might still change. */
static long vmsplice_execute(struct call *c)
{
	const uint64_t *a = c->pack.exec;
	bool nonblock = c->args[3] & SPLICE_F_NONBLOCK;
	struct pollfd room = {.fd = (int)a[0], .events = POLLOUT};
	const struct timespec at_once = {0};
	long result;

	if (c->args[3] & ~(uint64_t)SPLICE_FLAGS)
		return -EINVAL;
	if (fd_reserved((int)a[0]) || fd_probe((int)a[0]) != FD_PIPE)
		return -EBADF;
	if (c->bad_address)
		return -EFAULT;
	result = gate_pass(gate.wait, SYS_pwritev2, (long)a[0], (long)a[1], (long)a[2], -1, -1,
			   nonblock ? RWF_NOWAIT : 0);
	if (result != -EOPNOTSUPP)
		return result;
	/* A kernel whose pipes don't know RWF_NOWAIT. */
	if (sys(SYS_ppoll, &room, 1, &at_once, 0) == 0)
		return -EAGAIN;
	return gate_pass(gate.wait, SYS_writev, (long)a[0], (long)a[1], (long)a[2], 0, 0, 0);
}

void hook_vmsplice(struct call *c)
{
	if (c->process->leader && (sys(SYS_fcntl, c->args[0], F_GETFL) & O_ACCMODE) == O_RDONLY)
		call_unsupported(c, "vmsplice from a pipe into memory");
	call_enter(c);
	if (c->process->leader)
		c->result = vmsplice_execute(c);
	call_leave(c);
	call_finish(c);
}

static void note_passed(struct call *c, const struct msghdr *user)
{
	struct msghdr message;
	struct cmsghdr header;
	size_t at = 0;

	if (user_read(&message, user, sizeof(message)) < 0)
		return;
	while (at + sizeof(header) <= message.msg_controllen) {
		const uint8_t *control = (const uint8_t *)message.msg_control + at;
		int fd;

		if (user_read(&header, control, sizeof(header)) < 0 ||
		    header.cmsg_len < sizeof(header))
			return;
		for (size_t i = CMSG_LEN(0);
		     header.cmsg_level == SOL_SOCKET && header.cmsg_type == SCM_RIGHTS &&
		     i + sizeof(fd) <= header.cmsg_len;
		     i += sizeof(fd)) {
			if (user_read(&fd, control + i, sizeof(fd)) == 0)
				passed_note(c->thread, fd);
		}
		at += CMSG_ALIGN(header.cmsg_len);
	}
}

/* Descriptors come with messages: what they are is said behind the call. */
void hook_recvmsg(struct call *c)
{
	const struct mmsghdr *many = (const struct mmsghdr *)c->args[1];

	call_enter(c);
	if (c->process->leader)
		call_execute(c);
	call_leave(c);
	call_finish(c);
	if (call_failed(c->result) || c->restart)
		return;
	if (c->call == CALL_recvmsg)
		note_passed(c, (const struct msghdr *)c->args[1]);
	else
		for (long i = 0; i < c->result; i++)
			note_passed(c, &many[i].msg_hdr);
}

void hook_fchdir(struct call *c)
{
	struct process *p = c->process;
	int real;

	call_enter(c);
	if (p->leader)
		call_execute(c);
	call_leave(c);
	if (!p->leader && c->result == 0) {
		real = fd_real(p, (int)c->args[0]);
		if (real < 0 || sys(SYS_fchdir, real) < 0)
			diverge(c->thread, DIVERGENCE_RESULT, c, c->record,
				"this variant can't go to the leader's directory");
	}
	call_finish(c);
}

/* Memory files are private in effect: each variant has its own, under the leader's number. */
void hook_memfd(struct call *c)
{
	struct process *p = c->process;

	call_enter(c);
	if (p->leader)
		call_execute(c);
	call_leave(c);
	if (!call_failed(c->result)) {
		struct fd_entry *e = fd_set_kind(p, (int)c->result, FD_MEMFD);

		if (!p->leader) {
			long own = sys(SYS_memfd_create, c->args[0], c->args[1] | MFD_CLOEXEC);

			if (own < 0)
				diverge(c->thread, DIVERGENCE_RESULT, c, c->record,
					"this variant can't make a memory file");
			e->real = (int32_t)own + 1;
			e->shadow = true;
		}
	}
	call_finish(c);
}
