/* SPDX-License-Identifier: MIT */
#include "exe.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "starter/starter.h"
#include "text.h"

#define LINK_BYTES 128 /* more than any path that is looked for */

static bool equal(const char *a, size_t n, const char *b)
{
	return n == strlen(b) && !memcmp(a, b, n);
}

/* The path's end, which must be "exe"; the length of what stands before it, without slashes. */
static bool ends_in_exe(const char *path, size_t *before)
{
	size_t n = strlen(path);

	if (n < 3 || memcmp(path + n - 3, "exe", 3) || (n > 3 && path[n - 4] != '/'))
		return false;
	for (n -= 3; n && path[n - 1] == '/'; n--)
		;
	*before = n;
	return true;
}

/* The number that the last component of a path is; 0: it is none. */
static uint64_t last_number(const char *path, size_t n)
{
	uint64_t number = 0;
	size_t at = n;

	while (at && path[at - 1] != '/')
		at--;
	for (; at < n; at++) {
		if (path[at] < '0' || path[at] > '9')
			return 0;
		number = number * 10 + (uint64_t)(path[at] - '0');
	}
	return number;
}

/* Whose link it is: the leader's pid; 0: the caller's own. */
static uint64_t owner(int dirfd, const char *path, size_t before)
{
	char directory[LINK_BYTES], name[32];
	long n;

	if (before)
		return last_number(path, before);
	if (dirfd == AT_FDCWD)
		text_put(name, "self/cwd")[0] = 0;
	else
		text_put_number(text_put(name, "self/fd/"), (uint64_t)dirfd)[0] = 0;
	n = sys(SYS_readlinkat, variant.base + SESSION_FD_PROC, name, directory, sizeof(directory));
	return n > 0 ? last_number(directory, (size_t)n) : 0;
}

/* The program of another process, from the files in which the variant's processes say it. */
static bool look_up(uint64_t vpid, char to[SESSION_PROGRAM])
{
	int file = variant.base + SESSION_FD_STATE;
	struct log_header log = {0};
	struct {
		uint32_t phase;
		int32_t pid, vpid;
	} s;

	_Static_assert(offsetof(struct process_state, pid) == 4 &&
			       offsetof(struct process_state, vpid) == 8,
		       "what is read of it");
	sys(SYS_pread64, variant.base + SESSION_FD_LOG, &log, sizeof(log), 0);
	for (uint32_t stream = log.next_stream + 1; stream--;) {
		uint64_t at = state_stream_offset(stream);

		if (sys(SYS_pread64, file, &s, sizeof(s), at) != sizeof(s) ||
		    s.phase == PHASE_FREE || s.phase == PHASE_EXITED || (uint64_t)s.vpid != vpid)
			continue;
		return sys(SYS_pread64, file, to, SESSION_PROGRAM,
			   at + offsetof(struct process_state, program)) == SESSION_PROGRAM &&
		       *to;
	}
	return false;
}

bool exe_find(const struct process *p, int dirfd, const char *path, char to[SESSION_PROGRAM])
{
	char copy[LINK_BYTES], link[sizeof(STARTER_EXE)];
	long length = user_strnlen(path, sizeof(copy));
	size_t before;
	uint64_t pid;

	if (length < 3 || length == sizeof(copy) || user_read(copy, path, (size_t)length) < 0)
		return false;
	copy[length] = 0;
	if (!ends_in_exe(copy, &before) ||
	    !equal(link, (size_t)sys(SYS_readlinkat, dirfd, copy, link, sizeof(link)), STARTER_EXE))
		return false;
	pid = owner(dirfd, copy, before);
	/* Signal 0: a thread's number stands for its process. */
	if (pid && pid != (uint64_t)p->vpid && sys(SYS_tgkill, p->vpid, pid, 0) != 0)
		return look_up(pid, to);
	memcpy(to, p->program, SESSION_PROGRAM);
	return *to;
}

static void answer(struct call *c, const char *program)
{
	size_t n = strlen(program);
	int room = (int)c->args[3];

	if ((size_t)room < n)
		n = (size_t)room;
	c->result = user_write((void *)c->args[2], program, n) < 0 ? -EFAULT : (long)n;
}

bool exe_execute(struct call *c)
{
	const uint64_t *a = c->pack.exec;
	char program[SESSION_PROGRAM];
	bool link = false;

	switch (c->call) {
	case CALL_readlinkat:
		link = true;
		if ((int)a[3] <= 0)
			return false;
		break;
	case CALL_openat:
		if (a[2] & O_NOFOLLOW)
			return false;
		break;
	case CALL_newfstatat:
		if (a[3] & AT_SYMLINK_NOFOLLOW)
			return false;
		break;
	case CALL_statx:
		if (a[2] & AT_SYMLINK_NOFOLLOW)
			return false;
		break;
	case CALL_faccessat:
	case CALL_faccessat2:
		break;
	default:
		return false;
	}
	if (!exe_find(c->process, (int)a[0], (const char *)a[1], program))
		return false;
	if (link)
		answer(c, program);
	else
		c->result = sys(call_number(c->row), a[0], program, a[2], a[3], a[4], a[5]);
	return true;
}
