/* SPDX-License-Identifier: MIT */
/*
 * One call on its way through the monitor. It lives on the thread's monitor
 * stack. The generic path is
 *
 *   call_enter   leader: pack the arguments; in lockstep publish them and wait
 *                follower: wait for the leader's record, compare
 *   execute      leader (class world), everybody (class both)
 *   call_leave   leader: publish result and outputs
 *                follower: take them
 *   call_finish  follower: release the record; that is the acknowledgement
 *
 * and hooks are built of the same pieces. A signal that is delivered before the
 * call makes call_enter not return: the thread resumes in the handler, whose
 * frame makes the call again. So hooks change nothing before call_enter. A call whose hook stays
 * away from them is not logged.
 */
#ifndef TANDEM_MONITOR_CALL_H
#define TANDEM_MONITOR_CALL_H

#include "monitor.h"

#define CALL_EXTRA 64

struct call {
	struct thread *thread;
	struct process *process;
	struct regs *regs;
	const struct call_row *row; /* canonical; a hook may refine a copy */
	uint32_t call;              /* canonical number */
	uint8_t level;              /* the row's, unless a hook says otherwise */
	long number;                /* native, as made: for restarts */
	uint64_t args[6];           /* canonical */
	long result;
	struct pack pack;
	bool lockstep;     /* leader: ENTER and LEAVE; follower: the record was an ENTER */
	bool hold;         /* set by a hook before call_enter: keep the order lock over execution */
	bool locked;       /* order lock is held */
	bool bad_address;  /* packing met one: the result is -EFAULT, nothing is executed */
	bool restart;      /* interrupted by a signal whose action has SA_RESTART: call again */
	bool signalled;    /* a signal follows the call */
	bool noted;        /* a read of a clock: its twin may have made it without a call */
	uint8_t *reserved; /* leader: record built in the ring, or NULL */
	uint32_t room;     /* bytes reserved */
	const struct record *record; /* follower: what is being consumed */
	struct record header;        /* its checked copy */

	/* Follower: outputs of the record. */
	const uint8_t *outputs;
	size_t outputs_bytes;

	/*
	 * Outputs that no row describes: filled by the leader's hook before call_leave, there
	 * for the follower's after it.
	 */
	uint32_t extra_bytes; /* set on both sides, before call_leave */
	uint8_t extra[CALL_EXTRA];
};

/* Once for each image, before the first call. */
void call_init(void);
/* The process has threads from now on. */
void call_threads(void);
/* From entry.S. */
void monitor_call(struct regs *regs);

void call_enter(struct call *c);
void call_leave(struct call *c);
void call_finish(struct call *c);
/* Instead of call_enter: ends the session once every variant has come to the same call. */
void call_unsupported(struct call *c, const char *why) __attribute__((noreturn));
/* Any variant: makes it with the program's own (class both). */
long call_execute_own(struct call *c);
/* enter, execute, leave, finish: what a row alone says. */
void call_generic(struct call *c);
/* Class private: no record. */
void call_private(struct call *c);
/* A call of class both: executed after the leader's success; result must agree. */
void call_both(struct call *c);

/* leader.c, follower.c: the pieces by role. */
void leader_enter(struct call *c);
void leader_leave(struct call *c);
void follower_enter(struct call *c);
void follower_leave(struct call *c);
void follower_finish(struct call *c);
/* Of an exec: what follows is the new image's, so no other thread gets its turn any more. */
void follower_finish_last(struct call *c);

/* Records that aren't calls. Bytes become the record's outputs. Leader: publish and maybe wait. */
void leader_note(struct thread *t, enum record_kind kind, uint8_t flags, int64_t result,
		 const void *bytes, size_t size, bool lockstep);
/* Leader: a signal that is delivered in the middle of a segment. */
void leader_note_between(struct thread *t, const siginfo_t *info);
/* Leader: says what other processes have done before (causal.h). */
void leader_acquire(struct thread *t);
/*
 * Follower: the next record of this thread, which must be of that kind (else a divergence, told
 * as `what`); copies its header and up to size bytes of outputs. Released at once.
 */
void follower_note(struct thread *t, enum record_kind kind, struct record *header, void *bytes,
		   size_t size, const char *what);
/*
 * Follower: the wait for a RECORD_SYNC, as a call that the program makes (monitor_sync): a signal
 * that the leader had in the middle of its own wait is delivered in between. The result is the
 * record's; the stream stands still there until follower_drop.
 */
#define NUMBER_SYNC (-2l)
/* In a number: of another interface of the kernel, which tandem has no rows for. */
#define NUMBER_FOREIGN (1l << 62)
void follower_hold(struct thread *t, struct regs *regs);
void follower_drop(struct thread *t);
/* What that record carries: so many bytes. */
void follower_held(struct thread *t, void *bytes, size_t size);
/* Follower: the thread gives the processor away, and waits until it has its turn to go on. */
void follower_yield(struct thread *t);
/*
 * A futex call of the program's own (calls/futex.c), which a variant may make and another not.
 * Leader: says that a wait has ended with c->result, or makes a call that wakes others and says so.
 */
void leader_futex(struct call *c, bool wakes);
enum futex_word { FUTEX_SAID, FUTEX_SIGNAL, FUTEX_OTHER, FUTEX_SILENCE };
/*
 * Follower: FUTEX_SAID: the leader has made that call here; the thread has the turn, and ends with
 * follower_resume(). Else: a signal is next, or the leader does something else here, or it has said
 * nothing for so many nanoseconds of silence.
 */
enum futex_word follower_futex(struct thread *t, bool wakes, int64_t silence, struct record *header,
			       struct record_futex *futex);
/* Follower: the next record of this thread, locked if there are threads; see follower.c. */
const struct record *follower_next(struct thread *t, struct record *header);
void follower_release(struct thread *t, uint32_t bytes);
/* The same, and the thread goes back to the program. */
void follower_resume(struct thread *t, const struct record *header);
/* Follower: if the next record of this thread is a signal, takes it; doesn't wait. */
bool follower_take_signal(struct thread *t, siginfo_t *info, uint8_t *flags);
/* The same where a segment is interrupted; doesn't wait for a turn either. */
bool follower_look_signal(struct thread *t, siginfo_t *info);

/* Leader: publishes what is complete, before a sleep that isn't a call with CALL_BLOCKS. */
void leader_flush(struct thread *t);

/* Leader, in a new image: the result of the exec that made it, for the thread that made the call.
 */
void leader_exec_done(struct thread *t, uint32_t call, uint32_t tag);

/* Hooks: NULL for none. They run instead of call_generic. */
typedef void call_hook_fn(struct call *c);
extern call_hook_fn *const call_hooks[HOOK_COUNT];

/* policy.c: must the leader wait before it executes? */
bool policy_lockstep(const struct call *c);

/* hash.c: 128-bit keyed hash of packed arguments. */
void call_hash(const struct session *s, const uint8_t *bytes, size_t size, uint64_t hash[2]);

static inline unsigned call_canonical(const struct call *c)
{
	return c->call;
}

/* Not about a descriptor that is known to be non-blocking, for one. */
bool call_may_sleep(const struct call *c);

/* Packs into the thread's buffer, which grows as needed; 0 or -EFAULT. */
int call_pack_own(struct call *c);

static inline bool call_failed(long result)
{
	return result < 0 && result > -4096;
}

#endif
