/* SPDX-License-Identifier: MIT */
/*
 * The order between processes that share memory. Streams order the calls of one
 * process; a follower's processes would otherwise run past each other: one could read
 * from a pipe (the leader's word, at once) before its sibling, still on its way to
 * the write, has stored in their memory what the byte announces.
 *
 * So before a call that others may notice (a release) such a process takes the next
 * number of its leader's clock and says it in its stream; behind a call it says the
 * clock, if that has moved (an acquisition). In a follower, releases happen in the
 * order of their numbers: a process that comes to one waits for the one before; an
 * acquisition waits for all releases up to its number. Numbers were taken in an order
 * that has really been, so nobody waits in a circle.
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

/* Leader: the number of a release, to be said; the order lock is held. */
static inline uint64_t causal_next(struct process *p)
{
	p->seen = atomic_fetch_add(&variant.log->clock, 1) + 1;
	return p->seen;
}

/* Leader: has another process released since this one has said the clock? */
static inline bool causal_news(struct process *p)
{
	return unlikely(p->shares) && atomic_load(&variant.log->clock) != p->seen;
}

/* Follower: a RECORD_ORDER has come. */
void causal_follow(struct process *p, const struct record *header);

#endif
