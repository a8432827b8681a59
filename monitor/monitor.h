/* SPDX-License-Identifier: MIT */
/*
 * The monitor's own structures: one struct process for each process, one
 * struct thread for each thread. All memory comes from mmap through the gate;
 * none of it is the program's heap.
 *
 * Locks. process->order serialises the stream: the leader's appends, and the
 * descriptor table and other state that must change in the stream's order. A
 * process with one thread never takes it (process->alone).
 */
#ifndef TANDEM_MONITOR_H
#define TANDEM_MONITOR_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <time.h>

#include "../transport/record.h"
#include "../transport/ring.h"
#include "arch.h"
#include "gate.h"
#include "session.h"
#include "syscalls/pack.h"
#include "syscalls/table.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define SIGNALS 64

#define FAULT_SIGNALS 5

#define BUFFER_BYTES 16384
#define SCRATCH_BYTES 8192

/* A thread's block: struct thread, its signal stack, its monitor stack (which grows down). */
#define SIGNAL_STACK (64 * 1024)
#define THREAD_SIGNAL_STACK 8192
#define MONITOR_STACK (64 * 1024)
#define THREAD_BLOCK (THREAD_SIGNAL_STACK + SIGNAL_STACK + MONITOR_STACK)

struct process;

/* thread_register() leads to it. Lives at the low end of the block that also holds its stacks. */
struct thread {
	/* arch/ knows where these are: numbers.h. */
	struct thread *self;      /* first */
	uint64_t user_stack;      /* the program's stack pointer */
	uint64_t stack;           /* where the monitor's stack starts */
	_Atomic uint32_t pending; /* a signal is to be delivered; the gate looks at it */
	uint32_t tag;             /* in records */
	uint64_t resume;          /* where the program goes on */
	uint64_t private;         /* calls that the entry sent to the gate, not yet counted */

	struct process *process;
	int32_t tid;  /* real */
	int32_t vtid; /* the leader's */

	/* Signals. The real mask is the program's less what the monitor needs itself. */
	uint64_t mask;    /* the program's idea of its mask */
	stack_t altstack; /* the program's */
	siginfo_t caught; /* waits for a call boundary, if there is one: see signals.h */
	bool has_caught;
	bool ticks;     /* its timer runs; see tick.h */
	int32_t ticker; /* the kernel's number of it + 1, 0: none */
	uint64_t sent;  /* set of fault signals that somebody has sent ... */
	siginfo_t sent_info[FAULT_SIGNALS];

	/* Packing. */
	uint8_t *buffer; /* arguments, when they can't be built in the ring */
	size_t buffer_size;
	uint8_t *scratch;
	size_t scratch_size;

	/* Parts received in advance of a record (follower). */
	uint8_t *parts;
	size_t parts_size, parts_capacity;

	/* Reads of clocks: the leader's that aren't in the stream yet, a follower's to come. */
	uint32_t clocks, clocks_taken;
	uint64_t clocks_end; /* follower: behind the record of its last ones in the stream */
	struct record_clock clock[RECORD_CLOCKS_MOST];

	/* Of an exec that goes on; a vfork child leaves it in its parent's memory. */
	void *environment;
	size_t environment_bytes;

	struct thread *next;   /* in process->threads, or in the free list */
	_Atomic uint32_t dead; /* on the free list; memory reusable once tid is gone */
	/* Of a process in another's memory: the kernel clears it when the thread leaves. */
	_Atomic uint32_t here;
	struct once *once;        /* pthread_once under way; see locks.c */
	_Atomic uint32_t segment; /* enum segment_state; see segment.h */
	int64_t segment_looked;   /* processor time when others first waited for its end, or 0 */
	_Atomic bool trapped;     /* the monitor looks at a new site, which takes its time */
	_Atomic bool left;        /* leader: out, but not said so yet; follower: heard of it */
	_Atomic bool stands;      /* the same of a yield: see segment_yield() */
	bool ends;                /* leader: its process ends behind its next note */
	bool apart;               /* started by an allocator: its segments are its own */
	bool starts_apart;        /* an allocator is about to start a thread */
	uint8_t within;           /* enum within: libc's own waits; see order.h */
	uint32_t held; /* follower: bytes of the record that the stream stands still at */
	uint64_t site; /* of the current call, for reports */
	struct regs *regs;
};

/* Descriptors: what the monitor knows of each. See fd.h. */
struct fd_entry;
#define FD_CHUNK 16 /* 2^16 entries each; mapped when first used, never moved */
struct fd_table {
	struct fd_entry **chunk;
	uint32_t end;          /* no entry from here on is in use */
	bool epolls;           /* there are, or were */
	_Atomic uint32_t lock; /* of whoever changes it; not taken by a process with one thread */
};

/* Follower: System V shared memory that is attached. */
struct segment {
	uint64_t start, bytes;
};

struct child {
	int32_t vpid, pid;
};

struct signal_action {
	uint64_t handler;
	uint64_t flags;
	uint64_t restorer;
	uint64_t mask;
};

#define TURNS 32
struct turn {
	_Atomic uint32_t word; /* futex: changes when one of its waiters should look */
	_Atomic uint32_t waiters;
};

struct process {
	bool leader;
	bool alone;    /* one thread: no locking */
	bool crowded;  /* other processes run in this memory */
	bool maps;     /* writable shared memory, which a child will share ... */
	bool shares;   /* ... and one does, or a parent: see causal.h */
	uint64_t seen; /* leader: of the clock of releases */
	uint32_t variant;
	uint32_t follower; /* index among the followers */
	uint32_t followers;
	uint32_t stream;
	uint32_t next_tag;
	int32_t pid, vpid, vppid;

	const struct session *session;
	uint32_t policy, compare, inject; /* of the session, where a call looks anyway */
	uint64_t batch;
	const struct stream_control *control;
	void *control_page;
	struct process_state *state; /* counters and trace; the supervisor reads them */
	const _Atomic uint32_t *halt[1 + SESSION_VARIANTS];
	uint32_t halts;

	struct ring_tx tx;     /* leader */
	struct ring_rx rx;     /* follower */
	enum ring_hurry hurry; /* follower: how the stream is waited for now */
	uint32_t chunk;        /* largest record: more goes in parts */
	void *producer_page;
	uint8_t *ring_data;
	void *consumer_page[SESSION_VARIANTS];

	_Atomic uint32_t order; /* lock word: 0 free, 1 held, 2 held and waited for */
	/* Follower: who waits for the order lock and its record; see turns.h. */
	struct turn turn[TURNS];       /* by tag */
	_Atomic uint32_t turn_waiters; /* of all */
	_Atomic uint32_t deputy;       /* 1 + tag, or 0 */
	_Atomic uint32_t next_turn;    /* 1 + tag of the thread it is for, or 0: unknown */
	_Atomic uint32_t running;      /* segments that are waited for; see segment.h */
	_Atomic uint32_t unsaid;  /* leader: segments that are left out, and followers don't know */
	_Atomic bool awaited;     /* a thread waits for their ends */
	_Atomic uint32_t clocked; /* leader: threads that have notes; see clocks.h */
	_Atomic bool uneven;      /* follower: a segment has been left out */
	struct thread *threads;
	struct thread *free_threads;
	_Atomic uint32_t thread_lock;

	struct fd_table fds;
	struct signal_action action[SIGNALS + 1];
	uint64_t handled; /* leader: set of signals that the monitor catches */

	uint64_t *timer_value; /* by timer_create's number: what its signals carry, an address as a
				  rule */
	size_t timer_bytes;

	struct segment *segments;
	size_t segments_bytes;
	uint32_t segments_used;

	struct child *children; /* follower: the leader's pid -> ours */
	uint32_t children_count, children_capacity;

	char program[SESSION_PROGRAM]; /* of an image that the starter has started; else empty */
};

/* What every process of a variant shares: from the environment at start. */
struct variant {
	int base; /* first reserved descriptor */
	uint32_t fds;
	struct variant_state *state; /* header of the state file */
	struct ack_header *ack;      /* follower: its own */
	struct log_header *log;      /* leader: writable */
	bool running;                /* a thread has its struct thread */
	uintptr_t allocator;         /* code of an allocator that isn't libc's own */
	size_t allocator_bytes;
	uintptr_t libc; /* code of the C library ... */
	size_t libc_bytes;
	uintptr_t libc_syscall; /* ... and of its function by that name */
};

extern struct variant variant;

static inline struct thread *thread_self(void)
{
	return thread_register();
}

/* mem.c: memory from the kernel, zeroed; NULL when there is none. */
void *memory_map(size_t bytes);
void memory_unmap(void *p, size_t bytes);
/* Grows *p (mapped, *size bytes) to at least `bytes`; 0 or -ENOMEM. Keeps the content. */
int memory_grow(void **p, size_t *size, size_t bytes);
/* Small objects, zeroed. */
void *pool_alloc(size_t bytes);
void pool_free(void *p, size_t bytes);
/* Around a fork: the child must find the pool whole and open. */
void pool_hold(void);
void pool_release(void);

/* lock.c */
void lock_acquire(_Atomic uint32_t *word);
void lock_release(_Atomic uint32_t *word);

/* report.c: the ends of a session, as seen from a variant. None of them returns. */
struct call;
void diverge(struct thread *t, enum divergence_kind kind, const struct call *own,
	     const struct record *leader, const char *text) __attribute__((noreturn));
/* Of a call that has been compared: see call_unsupported(). */
void stop_unsupported(const struct call *c, const char *why) __attribute__((noreturn));
void stop_garbage(struct thread *t, const char *what) __attribute__((noreturn));
void stop_internal(const char *what, long error) __attribute__((noreturn));
/* The session is over (halt): sleep until the supervisor kills us. */
void park(void) __attribute__((noreturn));

#endif
