/* SPDX-License-Identifier: MIT */
/*
 * Segments: what a thread runs of the program between two of its calls. Calls of twins are in one
 * order; segments that run at the same time aren't, and if they share memory by means that the
 * monitor doesn't see (atomics, a spin lock of the program's own), twins may see it in different
 * states.
 *
 * So in a process with several threads one segment runs at a time: a thread goes back to
 * the program when all others are in the monitor, which includes system calls and waits for locks.
 * Its record says so (RECORD_QUIET), and in a follower the thread then waits for
 * the same. Where a segment is long, the leader doesn't wait for its end: it is left out (LEFT)
 * until its thread's next call, in followers as well (RECORD_LEFT, in front of the next record).
 * With that thread twins rely on the order of locks (locks.c) alone, and it runs in parallel; the
 * others' segments still come one after the other.
 *
 * Threads that an allocator has started are left out from the beginning: what they do is private.
 */
#ifndef TANDEM_MONITOR_SEGMENT_H
#define TANDEM_MONITOR_SEGMENT_H

#include "monitor.h"

enum segment_state { SEGMENT_OVER, SEGMENT_RUNS, SEGMENT_LEFT };

/*
 * What of libc's a thread is in. There it may wait for a futex, between two pieces of its segment
 * that its twin, which need not wait, runs as one: nobody else's may come in between.
 */
enum within {
	WITHIN_NOTHING,
	/* The leader acquires a lock: its segment is over when it waits, and none begins before the
	 * record behind. */
	WITHIN_ACQUISITION,
	/* An allocator acquires one of its own, or the monitor one of the loader's. */
	WITHIN_PRIVATE,
	/* The leader tells others of a condition: its segment goes on while libc waits for threads
	 * that leave the condition, which need none for that. */
	WITHIN_SIGNAL,
};

/* The first thread's, when the process gets a second one. */
void segment_first(struct thread *t);
/* Of a process with several threads: the thread is in the monitor now. */
void segment_end(struct thread *t);
/* The leader's thread goes on in its segment, but nobody is to wait for its end any more. */
void segment_leave_out(struct thread *t);
/* Leader: is that to be said? Whoever asks says it; of a thread that ends nobody says it. */
bool segment_unsaid(struct thread *t);
/* Follower: the leader's has been left out, or stands at a yield. By whoever has the turn. */
void segment_left(struct process *p, uint32_t tag, bool stands);
/*
 * It gives the processor away: perhaps it looks again and again for what another thread has yet to
 * do. Leader: if somebody waits for its segment, that is over; it stands still until it has its
 * turn again (RECORD_YIELD), and who goes on meanwhile says so first. A follower's thread stands at
 * the next yield behind that; how often both have looked before is the same to those who look.
 */
bool segment_yield(struct thread *t);
/* Leader: is that to be said? */
bool segment_stands(struct thread *t);
/*
 * It goes back to the program. The order lock is held, and the record of what it was here for isn't
 * appended (leader: returns its flags), or not released yet (follower).
 */
unsigned segment_begin_leader(struct thread *t);
void segment_begin_follower(struct thread *t, unsigned flags);
/* It goes back from a wait that isn't a record. */
void segment_resume(struct thread *t);

#endif
