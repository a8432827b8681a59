/* SPDX-License-Identifier: MIT */
/*
 * The table of calls: one declarative row for each system call (rr's idea,
 * src/syscalls.py). The engine serialises, compares, replicates and restores
 * from the row alone; a hook takes over where a row can't say it.
 *
 * The table is constant data, shared by the monitor and the supervisor; every
 * function here is pure, async-signal-safe and may be called from any thread.
 */
#ifndef TANDEM_SYSCALLS_TABLE_H
#define TANDEM_SYSCALLS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum call_class {
	CALL_UNSUPPORTED, /* stops the session with the call's name; -ENOSYS if optional */
	CALL_WORLD,       /* the leader executes, followers take the result */
	CALL_PRIVATE,     /* each variant executes on itself, not logged */
	CALL_BOTH,        /* each executes; arguments and result compared */
};

/*
 * From which of A8's policies on a call is checked late instead of in lockstep.
 * The value is the first (strictest) policy under which the leader needn't wait.
 * FD_RO and FD_RW are resolved by the kind of the first argument's descriptor:
 * a socket gives SOCKET_RO/SOCKET_RW, anything else NONSOCKET_RO/NONSOCKET_RW.
 */
enum call_level {
	LEVEL_BASE = 1,
	LEVEL_NONSOCKET_RO,
	LEVEL_NONSOCKET_RW,
	LEVEL_SOCKET_RO,
	LEVEL_SOCKET_RW,
	LEVEL_SOCKET_RW_OC,
	LEVEL_ALWAYS, /* lockstep under every policy */
	LEVEL_FD_RO,
	LEVEL_FD_RW,
};

/*
 * Argument types. "aux" is the index of another argument, or a set of flags
 * (for decoding); "size" is a fixed size in bytes.
 */
enum arg_type {
	ARG_NONE,   /* the call has no such argument */
	ARG_IGNORE, /* value differs by variant or means nothing: not compared */
	ARG_PTR,    /* address in the variant's own space: only NULL or not is compared */
	ARG_INT,    /* 32 bits, sign-extended */
	ARG_UINT,   /* 32 bits, zero-extended; also flags, ids and modes */
	ARG_LONG,   /* 64 bits; also sizes and offsets */
	ARG_FLAGS,  /* ARG_UINT whose bits have names: aux = enum flag_set */
	ARG_MODE,   /* ARG_UINT shown in octal; aux != 0: 0 unless open flags aux create a file */
	ARG_FD,     /* descriptor (the leader's number) */
	ARG_DIRFD,  /* descriptor or AT_FDCWD */
	ARG_PID,    /* process or thread id (the leader's) */
	ARG_SIGNAL, /* signal number */

	/* read by the call */
	ARG_PATH,        /* string, at most PATH_MAX */
	ARG_STRINGS,     /* NULL-terminated vector of strings */
	ARG_IN,          /* bytes, as many as argument aux says, plus size */
	ARG_IN_FIXED,    /* size bytes; aux != 0: only the first aux bytes mean something */
	ARG_IN_VECTOR,   /* argument aux times size bytes */
	ARG_IOV_IN,      /* struct iovec[argument aux], the bytes it points to */
	ARG_SOCKADDR_IN, /* struct sockaddr of argument aux bytes */
	ARG_MSG_IN,      /* struct msghdr to send */
	ARG_MMSG_IN,     /* struct mmsghdr[argument aux] to send; msg_len is written back */
	ARG_SIGSET_IN,   /* struct { const sigset_t *set; size_t bytes; } (pselect6) */

	/* written by the call */
	ARG_OUT_RET,      /* result bytes, plus size; room: argument aux, plus size */
	ARG_OUT_LEN,      /* as many bytes as argument aux says, if the call succeeded */
	ARG_OUT_FIXED,    /* size bytes; aux = enum out_when */
	ARG_OUT_STAT,     /* struct stat */
	ARG_OUT_VECTOR,   /* result times size bytes; room: argument aux times size */
	ARG_IOV_OUT,      /* struct iovec[argument aux], result bytes in all */
	ARG_SOCKADDR_OUT, /* struct sockaddr; argument aux points to its socklen_t */
	ARG_SOCKLEN,      /* socklen_t *, read and written (belongs to SOCKADDR_OUT/OUT_VALUE) */
	ARG_OUT_VALUE,    /* bytes; argument aux points to their socklen_t (getsockopt) */
	ARG_MSG_OUT,      /* struct msghdr to receive into */
	ARG_MMSG_OUT,     /* struct mmsghdr[argument aux] to receive into; result is how many */

	/* read and written */
	ARG_INOUT_FIXED, /* size bytes; aux != 0: only the first aux bytes mean something */
	ARG_FILE_HANDLE, /* struct file_handle: its first word says the room behind it */
	ARG_IPC,         /* union semun or a structure: argument aux is the command */
	ARG_POLLFDS,     /* struct pollfd[argument aux]: fd and events in, revents out */
	ARG_FDSET,       /* fd_set of argument aux descriptors, in and out */
};

/* When an ARG_OUT_FIXED is written. */
enum out_when {
	OUT_ON_SUCCESS,    /* result >= 0 */
	OUT_IF_POSITIVE,   /* result > 0 (wait4 finds nothing with 0) */
	OUT_ON_EINTR,      /* the remainder of a sleep */
	OUT_OR_EOVERFLOW,  /* on success, and the mount id of name_to_handle_at */
	OUT_UNLESS_EFAULT, /* waitid fills its siginfo even when it fails */
};

/* Names of bits, for people. */
enum flag_set {
	FLAGS_NONE,
	FLAGS_OPEN,
	FLAGS_AT,
	FLAGS_MMAP_PROT,
	FLAGS_MMAP,
	FLAGS_SOCKET_TYPE,
	FLAGS_MSG,
	FLAGS_CLONE,
	FLAGS_EPOLL_CREATE,
	FLAGS_EPOLL_OP,
	FLAGS_ACCESS,
	FLAGS_WAIT,
	FLAGS_SEEK,
	FLAGS_FCNTL,
	FLAGS_SOCKET_FAMILY,
	FLAGS_EVENTFD,
	FLAGS_TIMERFD,
	FLAGS_SPLICE,
	FLAGS_RENAME,
	FLAGS_EPOLL_EVENTS,
	FLAGS_COUNT,
};

enum result_type {
	RESULT_INT,
	RESULT_LONG,
	RESULT_FD,  /* a new descriptor, of the row's kind */
	RESULT_PTR, /* an address: each variant's own */
	RESULT_NEVER,
};

/* What a descriptor refers to, as far as the monitor has to know. */
enum fd_kind {
	FD_CLOSED,
	FD_FILE, /* has a recipe: path and flags */
	FD_SOCKET,
	FD_PIPE,
	FD_EPOLL,
	FD_EVENT,
	FD_TIMER,
	FD_SIGNAL,
	FD_INOTIFY,
	FD_MEMFD,
	FD_PIDFD,
	FD_OTHER,
};

struct arg_desc {
	uint8_t type;  /* enum arg_type */
	uint8_t aux;   /* index of another argument, or enum flag_set */
	uint16_t size; /* bytes */
};

/*
 * Hooks: calls whose meaning a row can't express. The monitor has a function
 * for each; the row still says how the arguments are compared.
 */
#define CALL_HOOKS(X)                                                                              \
	X(none)                                                                                    \
	X(open)        /* open, openat, creat, openat2: recipe, write paths */                     \
	X(close)       /* close, close_range: descriptor table */                                  \
	X(dup)         /* dup, dup2, dup3 */                                                       \
	X(fcntl)       /* third argument depends on the second */                                  \
	X(ioctl)       /* likewise */                                                              \
	X(pipe)        /* pipe, pipe2, socketpair: two new descriptors */                          \
	X(epoll_ctl)   /* event data is each variant's own */                                      \
	X(epoll_wait)  /* epoll_wait, epoll_pwait, epoll_pwait2 */                                 \
	X(mmap)        /* anonymous is private, file-backed and PROT_EXEC are not */               \
	X(munmap)      /* munmap, mremap: private, but sites may be gone */                        \
	X(shm)         /* System V shared memory: a follower has segments of its own */            \
	X(mprotect)    /* PROT_EXEC is lockstep, the rest private */                               \
	X(clone)       /* fork, vfork, clone, clone3 */                                            \
	X(fchdir)      /* a follower goes there by the descriptor's recipe */                      \
	X(exec)        /* execve, execveat */                                                      \
	X(exit)        /* exit, exit_group */                                                      \
	X(wait)        /* wait4, waitid */                                                         \
	X(kill)        /* SIGKILL is noted for the supervisor */                                   \
	X(sigaction)   /* handlers are each variant's own */                                       \
	X(sigprocmask) /* some signals are never really blocked */                                 \
	X(sigreturn)   /* undoes a frame the monitor has built */                                  \
	X(sigaltstack) /* emulated: the real one belongs to the monitor */                         \
	X(semctl)      /* values of a whole set: how many, only the kernel knows */                \
	X(sched)       /* sched_setattr: a structure that says its own size */                     \
	X(sigwait)     /* rt_sigtimedwait: a timer's value is each variant's own */                \
	X(timer)       /* timer_create: likewise */                                                \
	X(yield)       /* private; with threads it may be a wait for another one */                \
	X(futex)       /* private, but interrupted by signals */                                   \
	X(clock)       /* clock_gettime, gettimeofday, time, clock_getres, getcpu: vDSO */         \
	X(timex)       /* adjtimex, clock_adjtime: a question is the mode alone */                 \
	X(sleep)       /* nanosleep, clock_nanosleep: what is left over */                         \
	X(prctl)       /* meaning depends on the first argument */                                 \
	X(arch)        /* arch/: calls of one ISA */                                               \
	X(capset)      /* a thread names itself by the leader's id */                              \
	X(rlimit)      /* setrlimit, prlimit64: followers take over what limits memory */          \
	X(set_tid)     /* set_tid_address: result is the leader's tid */                           \
	X(getpid)      /* answered from the process table, no record */                            \
	X(vmsplice)    /* the pages that were compared, not those that may still change */         \
	X(recvmsg)     /* SCM_RIGHTS makes descriptors */                                          \
	X(memfd)       /* each variant has its own */                                              \
	X(ftruncate)   /* also on a variant's own copy of a memory file */                         \
	X(rseq)        /* refused with ENOSYS after start-up */                                    \
	X(readlink)    /* nothing special in the leader; /proc/self/exe with exec override */      \
	X(select)      /* fd sets in and out */

enum call_hook {
#define HOOK_ENUM(name) HOOK_##name,
	CALL_HOOKS(HOOK_ENUM) HOOK_COUNT
#undef HOOK_ENUM
};

/* The call may sleep for an unbounded time: a signal ends it. */
#define CALL_BLOCKS 0x01
/* After a handler with SA_RESTART the kernel would restart it. */
#define CALL_RESTARTS 0x02
/* An old form: canonicalise() rewrites it to another row first (open -> openat). */
#define CALL_OLD_FORM 0x04
/* Unsupported, but programs are prepared for a kernel that lacks it: -ENOSYS, and they go on. */
#define CALL_OPTIONAL 0x08

struct call_row {
	const char *name;
	int16_t number_x86_64;  /* -1: the ISA doesn't have it */
	int16_t number_aarch64; /* likewise */
	uint8_t class;          /* enum call_class */
	uint8_t level;          /* enum call_level */
	uint8_t result;         /* enum result_type */
	uint8_t kind;           /* enum fd_kind of RESULT_FD */
	uint8_t hook;           /* enum call_hook */
	uint8_t flags;          /* CALL_BLOCKS ... */
	struct arg_desc arg[6];
};

/*
 * Canonical numbers: the index of the row. They travel in records, so the
 * order of table.def is part of the record format; new rows go to its end.
 */
enum call_number {
#define CALL(name, ...) CALL_##name,
#include "table.def"
#undef CALL
	CALL_COUNT
};

extern const struct call_row call_table[CALL_COUNT];

/* The row of a native call number of this ISA; NULL: a call without a row. */
const struct call_row *call_by_number(long number);

/* Row of a canonical number; NULL: out of range. */
static inline const struct call_row *call_row(unsigned call)
{
	return call < CALL_COUNT ? &call_table[call] : NULL;
}

/* The native number of a row on this ISA, -1 if it has none. */
long call_number(const struct call_row *row);

/*
 * Rewrites an old form (CALL_OLD_FORM) to its canonical one: open(p, f, m) to
 * openat(AT_FDCWD, p, f, m), fork() to clone(SIGCHLD, 0...), and so on.
 * Returns the canonical row; the arguments are rewritten in place. Where no
 * rewriting is exact (dup2 of a descriptor to itself, epoll_create of no size)
 * the row itself comes back: old forms are complete rows too.
 */
const struct call_row *call_canonicalise(const struct call_row *row, uint64_t args[6]);

#endif
