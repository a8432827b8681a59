/* SPDX-License-Identifier: MIT */
/*
 * Records: the entries of a stream. Little-endian, the same on every ISA;
 * RECORD_VERSION changes with any change here or in the order of the table of calls.
 *
 * One call is one record (RECORD_CALL: arguments, result and outputs together),
 * or, in lockstep, two (RECORD_ENTER with the arguments, RECORD_LEAVE with the
 * result and outputs). Arguments or outputs larger than a record may be come
 * before it in RECORD_PARTs of the same thread, in order.
 *
 * Ownership: a record lies in the ring; a reader that needs a field twice copies it
 * first, because its writer's memory isn't trusted.
 */
#ifndef TANDEM_RECORD_H
#define TANDEM_RECORD_H

#include <stdint.h>

#define RECORD_VERSION 7

enum record_kind {
	RECORD_PAD,     /* nothing */
	RECORD_CALL,    /* a call that was executed: compare, take the result */
	RECORD_ENTER,   /* lockstep: the arguments; nothing is executed yet */
	RECORD_LEAVE,   /* lockstep: the result */
	RECORD_PART,    /* bytes in advance of the next record of this thread */
	RECORD_SIGNAL,  /* a signal is delivered here: siginfo as outputs */
	RECORD_FAULT,   /* the thread faults here and dies of it: result is the signal */
	RECORD_SYNC,    /* a lock was acquired, a wait ended, an allocator answered (outputs), a
			   private call failed: result is what the function returned */
	RECORD_EXIT,    /* the process ends here: result is the wait status */
	RECORD_ORDER,   /* order between processes: result is a number, see monitor/causal.h */
	RECORD_PASSED,  /* a descriptor came with a message: struct record_passed, its path */
	RECORD_START,   /* an image starts here: struct record_start, then its descriptors */
	RECORD_CLOCKS,  /* the thread has read clocks: result is how many, struct record_clock each
			 */
	RECORD_CONTENT, /* so many bytes as result says: of a mapped file's name or, without one, of
			   itself */
	RECORD_FUTEX,   /* a futex call of the program's own: result, struct record_futex */
	RECORD_LEFT,    /* another thread's segment isn't waited for any more: result is its tag;
			   extra: 1, it has given the processor away, and stands still */
	RECORD_YIELD,   /* the thread goes on where it had given the processor away */
	RECORD_KINDS,
};

#define RECORD_HASHED 0x01    /* args holds a 128-bit keyed hash of the packed arguments */
#define RECORD_SIGNALLED 0x02 /* a RECORD_SIGNAL of this thread follows at once */
#define RECORD_RESTART 0x04   /* ... and after its handler the call is made again */
#define RECORD_PART_ARGS 0x08 /* part: of the arguments (else of the outputs) */
#define RECORD_BETWEEN 0x08   /* of a RECORD_SIGNAL: its thread was interrupted between two calls */
#define RECORD_ORDERED 0x20   /* a RECORD_ORDER of this thread follows at once */
#define RECORD_RELEASES 0x40  /* of a RECORD_ORDER: it comes before a release */
#define RECORD_INJECTED 0x10  /* a fault was injected here, on purpose */
#define RECORD_QUIET                                                                               \
	0x80 /* behind it the thread runs while all others are in the monitor, or                  \
		left out */

/* The header. Behind it: args bytes, padded to 8; then outputs up to size. */
struct record {
	uint32_t size; /* of the record with this header, a multiple of 8 */
	uint8_t kind;  /* enum record_kind */
	uint8_t flags;
	uint16_t call;   /* canonical number */
	uint32_t thread; /* tag: 0 is the process's first thread */
	uint32_t args;   /* bytes of packed arguments that follow */
	int64_t result;
	/* By kind: total bytes sent in parts (CALL, LEAVE), the first number of a release (ORDER).
	 */
	uint64_t extra;
};

_Static_assert(sizeof(struct record) == 32, "part of the format");

/* Outputs of RECORD_START: what the leader's image found when it started. */
struct record_start {
	int32_t pid, ppid;
	uint32_t descriptors; /* struct record_descriptor, that many */
	uint32_t unused;
	uint64_t mask; /* of signals */
};

struct record_descriptor {
	uint32_t fd;
	uint32_t kind; /* enum fd_kind */
};

/* Outputs of RECORD_CLOCKS: reads that were no system calls. */
struct record_clock {
	uint16_t call;  /* canonical number of the call that the read stands for */
	uint16_t clock; /* of clock_gettime; else 0 */
	uint32_t part;  /* nanoseconds, or microseconds of gettimeofday */
	int64_t seconds;
};

#define RECORD_CLOCKS_MOST 64

/* Outputs of RECORD_PASSED. */
struct record_passed {
	int32_t fd;
	int32_t same;   /* another descriptor of the same description; -1: none is known */
	uint32_t kind;  /* enum fd_kind */
	uint32_t flags; /* of open */
			/* the file's path with its NUL, "" if it has none */
};

/* Outputs of a RECORD_LEAVE of clone: the child. */
struct record_child {
	uint32_t id; /* stream or thread tag */
	int32_t pidfd;
};

/* Outputs of RECORD_FUTEX. */
struct record_futex {
	uint32_t wakes;   /* 1: it wakes others; 0: it was a wait, which has ended */
	uint32_t changed; /* wait: the word isn't any more what it was waited for with */
};

#define RECORD_PADDED(n) (((n) + 7u) & ~7u)

static inline uint8_t *record_args(struct record *r)
{
	return (uint8_t *)(r + 1);
}

/*
 * Checks a header: 0, or -EPROTO for what no leader writes; limit: the largest record. The
 * header is the caller's copy, since in the ring it may change after the check.
 */
int record_check(const struct record *header, uint64_t limit);

#endif
