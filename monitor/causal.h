/* SPDX-License-Identifier: MIT */
/*
 * The order between processes that share memory. Streams order the calls of one
 * process; a follower's processes would otherwise run past each other: one could read
 * from a pipe (the leader's word, at once) before its sibling, still on its way to
 * the write, has stored in their memory what the byte announces.
 *
 * So before a call that others may notice (a release) such a process takes the next
 * number and says it in its stream; behind a call it says how far its leader's clock of
 * such numbers has come, if that has moved (an acquisition). In a follower, releases happen in the
 * order of their numbers: a process that comes to one waits for the one before; an
 * acquisition waits for all releases up to its number. Numbers were taken in an order
 * that has really been, so nobody waits in a circle.
 *
 * A leader's process may be killed or stopped at any moment. So that nobody waits for a number that
 * isn't said, the clock moves only behind a record in a stream, and one process at a time takes a
 * number and says it. Who has the clock for too long loses it to the next, whose release then
 * stands for all numbers behind the clock's, said or not; the loser, if it lives, takes another
 * number before it makes its call.
 *
 * Only processes that have inherited writable shared memory pay for it. What passes
 * through sockets of the internet isn't ordered, nor is what a program builds of atomics
 * in its shared memory.
 */
#ifndef TANDEM_MONITOR_CAUSAL_H
#define TANDEM_MONITOR_CAUSAL_H

#include "call.h"

/* Leader: may another process notice the call? */
bool causal_releases(const struct call *c);

/* Leader: the numbers that a release says: its own, and the first that it stands for. */
struct release {
	uint64_t number, from;
};

/* Takes the clock. The order lock is held. */
struct release causal_begin(struct process *p);

/* The record has been published. False: the clock was lost meanwhile, and it has to be done again.
 */
bool causal_end(struct process *p, struct release r);

/* Leader: has another process released since this one has said the clock? */
static inline bool causal_news(struct process *p)
{
	return unlikely(p->shares) && atomic_load(&variant.log->clock) != p->seen;
}

/* Follower: a RECORD_ORDER has come. */
void causal_follow(struct process *p, const struct record *header);

#endif
