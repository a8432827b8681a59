/* SPDX-License-Identifier: MIT */
#include "number.h"
#include "table.h"

#include <linux/fcntl.h>
#include <linux/sched.h>

#define SIGCHLD_NUMBER 17 /* without <signal.h>: the same on every ISA that is supported */

/* The words of table.def. */
#define BLOCKS CALL_BLOCKS
#define RESTARTS CALL_RESTARTS
#define OLD_FORM CALL_OLD_FORM
#define OPTIONAL CALL_OPTIONAL

#define KIND_NONE FD_CLOSED
#define KIND_FILE FD_FILE
#define KIND_SOCKET FD_SOCKET
#define KIND_PIPE FD_PIPE
#define KIND_EPOLL FD_EPOLL
#define KIND_EVENT FD_EVENT
#define KIND_TIMER FD_TIMER
#define KIND_SIGNAL FD_SIGNAL
#define KIND_INOTIFY FD_INOTIFY
#define KIND_MEMFD FD_MEMFD
#define KIND_PIDFD FD_PIDFD
#define KIND_OTHER FD_OTHER

#define ARGUMENT(type, aux, size)                                                                  \
	{                                                                                          \
		ARG_##type, aux, size                                                              \
	}
#define NO_ARGS ARGUMENT(NONE, 0, 0)
#define IGNORE ARGUMENT(IGNORE, 0, 0)
#define PTR ARGUMENT(PTR, 0, 0)
#define INT ARGUMENT(INT, 0, 0)
#define UINT ARGUMENT(UINT, 0, 0)
#define LONG ARGUMENT(LONG, 0, 0)
#define FLAGS(set) ARGUMENT(FLAGS, FLAGS_##set, 0)
#define MODE ARGUMENT(MODE, 0, 0)
#define MODE_IF(flags) ARGUMENT(MODE, flags, 0)
#define FD ARGUMENT(FD, 0, 0)
#define DIRFD ARGUMENT(DIRFD, 0, 0)
#define PID ARGUMENT(PID, 0, 0)
#define SIGNAL ARGUMENT(SIGNAL, 0, 0)
#define PATH ARGUMENT(PATH, 0, 0)
#define STRINGS ARGUMENT(STRINGS, 0, 0)
#define IN(length) ARGUMENT(IN, length, 0)
#define IN_PLUS(length, extra) ARGUMENT(IN, length, extra)
#define IN_FIXED(size) ARGUMENT(IN_FIXED, 0, size)
#define IN_PREFIX(size, prefix) ARGUMENT(IN_FIXED, prefix, size)
#define IN_VECTOR(count, size) ARGUMENT(IN_VECTOR, count, size)
#define IOV_IN(count) ARGUMENT(IOV_IN, count, 0)
#define SOCKADDR_IN(length) ARGUMENT(SOCKADDR_IN, length, 0)
#define MSG_IN ARGUMENT(MSG_IN, 0, 0)
#define MMSG_IN(count) ARGUMENT(MMSG_IN, count, 0)
#define SIGSET_IN ARGUMENT(SIGSET_IN, 0, 0)
#define OUT_RET(room) ARGUMENT(OUT_RET, room, 0)
#define OUT_RET_PLUS(room, extra) ARGUMENT(OUT_RET, room, extra)
#define OUT_LEN(length) ARGUMENT(OUT_LEN, length, 0)
#define OUT_FIXED(size) ARGUMENT(OUT_FIXED, OUT_ON_SUCCESS, size)
#define OUT_IF_POSITIVE(size) ARGUMENT(OUT_FIXED, OUT_IF_POSITIVE, size)
#define OUT_REMAINDER(size) ARGUMENT(OUT_FIXED, OUT_ON_EINTR, size)
#define OUT_UNLESS_EFAULT(size) ARGUMENT(OUT_FIXED, OUT_UNLESS_EFAULT, size)
#define OUT_OR_EOVERFLOW(size) ARGUMENT(OUT_FIXED, OUT_OR_EOVERFLOW, size)
#define OUT_STAT ARGUMENT(OUT_STAT, 0, 0)
#define OUT_VECTOR(room, size) ARGUMENT(OUT_VECTOR, room, size)
#define IOV_OUT(count) ARGUMENT(IOV_OUT, count, 0)
#define SOCKADDR_OUT(length) ARGUMENT(SOCKADDR_OUT, length, 0)
#define SOCKLEN ARGUMENT(SOCKLEN, 0, 0)
#define OUT_VALUE(length) ARGUMENT(OUT_VALUE, length, 0)
#define MSG_OUT ARGUMENT(MSG_OUT, 0, 0)
#define MMSG_OUT(count) ARGUMENT(MMSG_OUT, count, 0)
#define INOUT_FIXED(size) ARGUMENT(INOUT_FIXED, 0, size)
#define FILE_HANDLE ARGUMENT(FILE_HANDLE, 0, 0)
#define IPC(command) ARGUMENT(IPC, command, 0)
#define POLLFDS(count) ARGUMENT(POLLFDS, count, 0)
#define FDSET(count) ARGUMENT(FDSET, count, 0)

const struct call_row call_table[CALL_COUNT] = {
#define CALL(name_, x86_64, aarch64, class_, level_, result_, kind_, hook_, flags_, ...)           \
	[CALL_##name_] = {                                                                         \
		.name = #name_,                                                                    \
		.number_x86_64 = x86_64,                                                           \
		.number_aarch64 = aarch64,                                                         \
		.class = CALL_##class_,                                                            \
		.level = LEVEL_##level_,                                                           \
		.result = RESULT_##result_,                                                        \
		.kind = KIND_##kind_,                                                              \
		.hook = HOOK_##hook_,                                                              \
		.flags = flags_,                                                                   \
		.arg = {__VA_ARGS__},                                                              \
	},
#include "table.def"
#undef CALL
};

/*
 * Canonical number + 1 by native number. Rows without a number get a slot of
 * their own behind the last native one, so that a number given twice is an
 * initialiser given twice, which the compiler reports.
 */
#define NATIVE_MAX 511
static const uint16_t row_by_number[NATIVE_MAX + 1 + CALL_COUNT] = {
#define CALL(name, x86_64, aarch64, ...)                                                           \
	[NATIVE(x86_64, aarch64) >= 0 ? NATIVE(x86_64, aarch64) : NATIVE_MAX + 1 + CALL_##name] =  \
		CALL_##name + 1,
#include "table.def"
#undef CALL
};

const struct call_row *call_by_number(long number)
{
	if ((unsigned long)number > NATIVE_MAX || row_by_number[number] == 0)
		return NULL;
	return &call_table[row_by_number[number] - 1];
}

long call_number(const struct call_row *row)
{
	return row->NATIVE_FIELD;
}

/* One place for all old forms: what is put in front, between and behind. */
static enum call_number set6(uint64_t args[6], enum call_number call, uint64_t a0, uint64_t a1,
			     uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5)
{
	args[0] = a0;
	args[1] = a1;
	args[2] = a2;
	args[3] = a3;
	args[4] = a4;
	args[5] = a5;
	return call;
}

const struct call_row *call_canonicalise(const struct call_row *row, uint64_t args[6])
{
	const uint64_t cwd = (uint64_t)(int64_t)AT_FDCWD;
	const uint64_t a = args[0], b = args[1], c = args[2], d = args[3];
	enum call_number call = (enum call_number)(row - call_table);

	switch (call) {
	case CALL_open:
		call = set6(args, CALL_openat, cwd, a, b, c, 0, 0);
		break;
	case CALL_creat:
		call = set6(args, CALL_openat, cwd, a, O_CREAT | O_WRONLY | O_TRUNC, b, 0, 0);
		break;
	case CALL_stat:
		call = set6(args, CALL_newfstatat, cwd, a, b, 0, 0, 0);
		break;
	case CALL_lstat:
		call = set6(args, CALL_newfstatat, cwd, a, b, AT_SYMLINK_NOFOLLOW, 0, 0);
		break;
	case CALL_access:
		call = set6(args, CALL_faccessat, cwd, a, b, 0, 0, 0);
		break;
	case CALL_pipe:
		call = set6(args, CALL_pipe2, a, 0, 0, 0, 0, 0);
		break;
	case CALL_dup2:
		/* dup3 refuses equal descriptors, dup2 returns them */
		if ((uint32_t)a != (uint32_t)b)
			call = set6(args, CALL_dup3, a, b, 0, 0, 0, 0);
		break;
	case CALL_accept:
		call = set6(args, CALL_accept4, a, b, c, 0, 0, 0);
		break;
	case CALL_fork:
		call = set6(args, CALL_clone, SIGCHLD_NUMBER, 0, 0, 0, 0, 0);
		break;
	case CALL_vfork:
		call = set6(args, CALL_clone, CLONE_VFORK | CLONE_VM | SIGCHLD_NUMBER, 0, 0, 0, 0,
			    0);
		break;
	case CALL_rename:
		call = set6(args, CALL_renameat2, cwd, a, cwd, b, 0, 0);
		break;
	case CALL_renameat:
		call = set6(args, CALL_renameat2, a, b, c, d, 0, 0);
		break;
	case CALL_mkdir:
		call = set6(args, CALL_mkdirat, cwd, a, b, 0, 0, 0);
		break;
	case CALL_mknod:
		call = set6(args, CALL_mknodat, cwd, a, b, c, 0, 0);
		break;
	case CALL_rmdir:
		call = set6(args, CALL_unlinkat, cwd, a, AT_REMOVEDIR, 0, 0, 0);
		break;
	case CALL_unlink:
		call = set6(args, CALL_unlinkat, cwd, a, 0, 0, 0, 0);
		break;
	case CALL_link:
		call = set6(args, CALL_linkat, cwd, a, cwd, b, 0, 0);
		break;
	case CALL_symlink:
		call = set6(args, CALL_symlinkat, a, cwd, b, 0, 0, 0);
		break;
	case CALL_readlink:
		call = set6(args, CALL_readlinkat, cwd, a, b, c, 0, 0);
		break;
	case CALL_chmod:
		call = set6(args, CALL_fchmodat, cwd, a, b, 0, 0, 0);
		break;
	case CALL_chown:
		call = set6(args, CALL_fchownat, cwd, a, b, c, 0, 0);
		break;
	case CALL_lchown:
		call = set6(args, CALL_fchownat, cwd, a, b, c, AT_SYMLINK_NOFOLLOW, 0);
		break;
	case CALL_getpgrp:
		call = set6(args, CALL_getpgid, 0, 0, 0, 0, 0, 0);
		break;
	case CALL_epoll_create:
		/* epoll_create checks a size that nothing uses */
		if ((int32_t)a > 0)
			call = set6(args, CALL_epoll_create1, 0, 0, 0, 0, 0, 0);
		break;
	case CALL_epoll_wait:
		call = set6(args, CALL_epoll_pwait, a, b, c, d, 0, 8);
		break;
	case CALL_inotify_init:
		call = set6(args, CALL_inotify_init1, 0, 0, 0, 0, 0, 0);
		break;
	case CALL_signalfd:
		call = set6(args, CALL_signalfd4, a, b, c, 0, 0, 0);
		break;
	case CALL_eventfd:
		call = set6(args, CALL_eventfd2, a, 0, 0, 0, 0, 0);
		break;
	default:
		break;
	}
	return &call_table[call];
}
