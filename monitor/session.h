/* SPDX-License-Identifier: MIT */
/*
 * What supervisor and monitors share: the layout of a session's memory files.
 *
 * All of it lives in memfds, so nothing is left behind however the session
 * ends. Descriptors reach a variant by inheritance, in one contiguous range
 * (enum session_fd) that the program can't see or touch.
 *
 *   file      written by        read by          holds
 *   control   supervisor        all variants     struct session, struct stream_control[]
 *   log       the leader        followers, sup.  struct log_header, then for each stream a
 *                                                producer page and the data of its ring
 *   state v   variant v         supervisor       struct variant_state, struct process_state[]
 *   ack f     follower f        leader, sup.     struct ack_header, a consumer page a stream
 *
 * Whoever only reads a file has a read-only descriptor of it: a hijacked
 * variant can't rewrite what its peer has said, not even by mapping it again.
 *
 * Files are sparse and indexed by stream number, so there is no limit on
 * processes; a stream's memory is given back when both of its ends are gone.
 * Sizes in bytes, times in nanoseconds unless a name says otherwise.
 */
#ifndef TANDEM_MONITOR_SESSION_H
#define TANDEM_MONITOR_SESSION_H

#include <stdatomic.h>
#include <stdint.h>

#include "../transport/ring.h"
#include "syscalls/table.h"

#define SESSION_MAGIC 0x31307365536e6154ull
#define SESSION_VERSION 5
#define SESSION_VARIANTS 8

/*
 * Reserved descriptors: base + one of these. The leader has one ack file for
 * each follower (SESSION_FD_ACK + i for the i-th follower); a follower has only its own.
 */
enum session_fd {
	SESSION_FD_CONTROL,
	SESSION_FD_LOG,
	SESSION_FD_STATE,
	SESSION_FD_BELL,    /* eventfd: written by any variant that wants the supervisor to look */
	SESSION_FD_LIFE,    /* read end of a pipe that guard and supervisor hold: see life.h */
	SESSION_FD_PROC,    /* O_PATH of /proc */
	SESSION_FD_ENGINE,  /* eventfd: wakes the engine that carries streams to other hosts */
	SESSION_FD_STARTER, /* read-only and sealed: what exec executes under seccomp (starter.h) */
	SESSION_FD_ACK,
};

/* Environment variable by which a new image finds its session; removed before main. */
#define SESSION_ENV "TANDEM_SESSION"
/* Its value: base ':' variant ':' follower index ':' stream ':' virtual pid ':' exec ':'
 * signal mask ':' pid, decimal; see monitor/init.c. */

/* In the order of A8's strictness; compared with enum call_level. */
enum session_policy {
	POLICY_FULL,
	POLICY_BASE,
	POLICY_NONSOCKET_RO,
	POLICY_NONSOCKET_RW,
	POLICY_SOCKET_RO,
	POLICY_SOCKET_RW,
	POLICY_SOCKET_RW_OC,
};

enum session_compare { COMPARE_FULL, COMPARE_HASH };
enum session_trap { TRAP_SUD = 1, TRAP_SECCOMP };

struct session {
	uint64_t magic;
	uint32_t version;
	uint32_t size; /* sizeof(struct session) */
	uint32_t variants;
	uint32_t leader;
	uint32_t policy;
	uint32_t ignore_first; /* calls of the first process that aren't lockstep */
	uint32_t compare;
	uint32_t trap;
	uint32_t wait;      /* enum ring_wait */
	uint32_t apart;     /* variants run on several hosts, or may */
	uint64_t ring_size; /* data bytes of one stream's ring */
	uint64_t batch; /* bytes of records without effects that may gather before they are shown */
	uint64_t hang_ns;   /* 0: wait for ever */
	uint32_t inject;    /* probability of an injected fault, in 2^-32 */
	int32_t supervisor; /* pid */
	uint64_t gate; /* address of the gate page under seccomp, where it outlives exec; else 0 */
	uint8_t random[16]; /* what the program finds at AT_RANDOM */
	uint8_t hash_secret[192];
	char variable_names[2048]; /* of environment variables set per variant: not compared */
	char write_paths[2048];    /* prefixes, NUL-terminated each, an empty one ends */
	char library[512];         /* libtandem.so, for exec */
	char preload[SESSION_VARIANTS][1024]; /* LD_PRELOAD of each variant, libtandem first */

	/* Set by the supervisor: every variant parks at its next call. */
	_Alignas(128) _Atomic uint32_t halt;
	/* ... and by variant: that follower has left for good, nobody waits for it any more. */
	_Atomic uint32_t left[SESSION_VARIANTS];
};

#define SESSION_CONTROL_HEADER 16384
_Static_assert(sizeof(struct session) <= SESSION_CONTROL_HEADER, "fits");

/* Control file, after the header: what the supervisor says of a stream. */
struct stream_control {
	/* The leader's process is gone without having said so (killed): 1 + wait status. */
	_Atomic uint32_t ended;
	uint32_t unused[15];
};

static inline uint64_t control_stream_offset(uint32_t stream)
{
	return SESSION_CONTROL_HEADER + (uint64_t)stream * sizeof(struct stream_control);
}

/* Log file. */
struct log_header {
	_Atomic uint32_t next_stream; /* the leader's: number of the next process */
	/* See causal.h: the last release that was said, the last that was taken, who takes one now.
	 */
	_Alignas(64) _Atomic uint64_t clock;
	_Atomic uint64_t numbers;
	_Atomic uint32_t clock_owner; /* stream + 1 */
};

static inline uint64_t log_stream_offset(uint64_t ring_size, uint32_t stream)
{
	return RING_PAGE + (uint64_t)stream * (RING_PAGE + ring_size);
}

/* Ack file of one follower. */
struct ack_header {
	_Atomic uint32_t halt; /* 1: divergence found, leader must not execute anything further */
	_Atomic uint32_t born; /* futex word: processes that have written their struct kin */
	/* See causal.h: releases that this variant's processes have come to; who waits for one. */
	_Alignas(64) _Atomic uint64_t reached;
	_Atomic uint32_t reach_waiters;
};

/*
 * Behind the pages of streams in the same file, for each stream: who a process is, so that a
 * process that adopts it can find it. Kept until the session ends.
 */
struct kin {
	int32_t vpid, pid;
	uint32_t parent; /* stream */
	uint32_t unused;
};

/* Behind those: memory that the variant's processes share under a number of the leader's. */
#define SEGMENT_MOST (1ull << 40)

static inline uint64_t segment_offset(int32_t number)
{
	return (1ull << 50) + (uint64_t)((uint32_t)number & 0xfffff) * SEGMENT_MOST;
}

static inline uint64_t ack_stream_offset(uint32_t stream)
{
	return RING_PAGE + (uint64_t)stream * RING_PAGE;
}

/* State file of one variant. */

enum divergence_kind {
	DIVERGENCE_NONE,
	DIVERGENCE_CALL,      /* another call */
	DIVERGENCE_ARGUMENTS, /* same call, other arguments */
	DIVERGENCE_RESULT,    /* executed by both, with different results */
	DIVERGENCE_CRASH,     /* a fault in one only */
	DIVERGENCE_EXIT,      /* one ended, the other didn't */
	DIVERGENCE_HANG,
	DIVERGENCE_INJECTED,
	STOP_UNSUPPORTED, /* not a divergence: a call that tandem can't run */
	STOP_GARBAGE,     /* a ring holds what no leader writes */
	STOP_INTERNAL,    /* the monitor itself failed: out of memory, mmap refused ... */
};

#define DIVERGENCE_BYTES 16384
#define DIVERGENCE_AROUND 64

/* Written once by a variant, before it sets `kind` and rings the bell. */
struct divergence {
	_Atomic uint32_t kind;
	uint32_t stream;
	uint32_t thread;
	int32_t tid;
	uint32_t own_call; /* canonical numbers, CALL_COUNT for none */
	uint32_t leader_call;
	int64_t own_result;
	int64_t leader_result;
	uint64_t position; /* of the leader's record in the stream */
	uint64_t site;     /* address of the call, or of the fault */
	uint64_t stack;    /* program's stack pointer */
	uint64_t frame;    /* program's frame pointer */
	uint64_t number;   /* native number of an unsupported call; signal of a crash */
	uint64_t args[6];
	uint32_t own_bytes;         /* size of the packed arguments (kept up to DIVERGENCE_BYTES) */
	uint32_t leader_bytes;      /* likewise of the record */
	uint32_t leader_flags;      /* of its record: RECORD_HASHED ... */
	uint32_t leader_kind;       /* enum record_kind */
	struct arg_desc own_arg[6]; /* how they are packed: a hook may know better than the table */
	/*
	 * Where the packed arguments differ first, wherever that is, and what is there: from
	 * around_at on, around_own and around_leader bytes (0, 0: not known).
	 */
	uint64_t differ_at, around_at;
	uint32_t around_own, around_leader;
	uint8_t own_around[DIVERGENCE_AROUND];
	uint8_t leader_around[DIVERGENCE_AROUND];
	char text[256];
	uint8_t own[DIVERGENCE_BYTES];
	uint8_t leader[DIVERGENCE_BYTES];
};

/*
 * What the leader's program itself knows of deaths by signal, so that the supervisor can tell a
 * process that was killed from outside: whom it has sent SIGKILL, and what it has waited for.
 */
#define DEATH_NOTES 1024
#define DEATH_SENT 0xffffffffu /* instead of a wait status */

static inline uint64_t death_note(int32_t pid, uint32_t status)
{
	return (uint64_t)(uint32_t)pid << 32 | status;
}

static inline int32_t death_pid(uint64_t note) /* 0 or negative: several, who is not known */
{
	return (int32_t)(note >> 32);
}

static inline uint32_t death_status(uint64_t note)
{
	return (uint32_t)note;
}

struct variant_state {
	_Atomic uint32_t claimed; /* a writer of `divergence` takes this first */
	_Atomic uint32_t streams; /* highest stream number seen + 1 */
	_Atomic uint32_t deaths;  /* number of notes so far; the newest DEATH_NOTES are kept */
	_Atomic uint64_t death[DEATH_NOTES];
	struct divergence divergence;
};

#define STATE_HEADER 65536
_Static_assert(sizeof(struct variant_state) <= STATE_HEADER, "fits");

#define TRACE_ENTRIES 32

/* Room for the path of a program that is executed under seccomp. */
#define SESSION_PROGRAM 1024

struct trace_entry {
	uint64_t site;
	uint64_t caller; /* word on top of the program's stack: the return address of a wrapper */
	uint64_t args[6];
	int64_t result;
	uint64_t position; /* head or tail of the stream then */
	uint32_t call;
	uint32_t thread;
};

/* Instead of a pid: the number of this stream was given out for a process that couldn't be made. */
#define PROCESS_NEVER (-1)

enum process_phase { PHASE_FREE, PHASE_RUNNING, PHASE_EXECUTING, PHASE_EXITED };

struct process_state {
	_Atomic uint32_t phase; /* enum process_phase */
	_Atomic int32_t pid;    /* real; its parent writes it too, when phase may be FREE yet */
	int32_t vpid;           /* the leader's */
	uint32_t parent;        /* stream of the parent process */
	_Atomic uint32_t threads;
	_Atomic uint32_t in_call; /* canonical number + 1 while the main thread is in a call */
	_Atomic uint32_t waiting; /* threads that wait for the other side now */
	int32_t exit_status;      /* of PHASE_EXITED */
	uint32_t fault;           /* signal of the last fault; a handler may have dealt with it */
	/* Counters: written by the process, relaxed. */
	uint64_t calls_private;
	uint64_t calls_world;
	uint64_t calls_both;
	uint64_t lockstep;
	uint64_t records;
	uint64_t bytes;
	uint64_t lockstep_cycles; /* cpu_cycles() spent there; the supervisor makes time of them */
	uint64_t signals;
	uint64_t patched;
	uint64_t trapping;
	uint64_t traps;
	char program[SESSION_PROGRAM]; /* of an image that the starter has started; else empty */
	/*
	 * Leader: the stream of a child whose making isn't said yet, or 0; behind which position,
	 * and by which thread, it will be said. For the case that the process is killed meanwhile:
	 * supervisor/unsaid.h.
	 */
	_Atomic uint32_t making;
	uint32_t making_thread;
	uint64_t making_at;
	uint32_t trace_next;
	struct trace_entry trace[TRACE_ENTRIES];
};

#define STATE_STREAM_SIZE 4096
_Static_assert(sizeof(struct process_state) <= STATE_STREAM_SIZE, "one page");

static inline uint64_t state_stream_offset(uint32_t stream)
{
	return STATE_HEADER + (uint64_t)stream * STATE_STREAM_SIZE;
}

/*
 * Processes in a session's life: a stream's number isn't given out again. The files are sparse, and
 * what is over leaves 16 bytes behind (struct kin). Fits below 2^63 with the largest ring.
 */
#define SESSION_STREAMS (1u << 31)

static inline uint64_t kin_offset(uint32_t stream)
{
	return ack_stream_offset(SESSION_STREAMS) + (uint64_t)stream * sizeof(struct kin);
}

#endif
