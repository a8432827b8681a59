/* SPDX-License-Identifier: MIT */
/*
 * Turns: which thread of a follower's process reads the stream now. Records of all threads are in
 * one order, so a thread whose record isn't the next has to wait.
 *
 * Whoever holds process->order has the turn: it looks at the next record, and waits for it if there
 * is none yet. If it is its own it keeps the turn until it has released the record; else it passes
 * the turn to the thread that the record is for. Who passes it on knows as a rule whose the next
 * record is, and wakes that thread only. With nothing to read it wakes nobody: the thread that goes
 * on is most likely the next to have a record, and will look when it comes back.
 *
 * It may not come back for long. So one of those that wait, the deputy, sleeps in short naps and
 * looks at the stream in between; turn_leave() wakes it when a thread is about to sleep outside of
 * the stream.
 *
 * Threads wait on one of a few futex words, by their tag: a wake seldom reaches a second thread,
 * and who is woken in vain waits again. A waiter counts itself, then looks once more; who passes
 * the turn frees it, then looks at the count: sequentially consistent, so one of them sees the
 * other. A waiter stays counted until it has found its record.
 *
 * Who passes the turn and knows whose the next record is also leaves that word behind (next_turn).
 * Nobody else takes the turn then: there is nothing for it before that thread has come.
 */
#ifndef TANDEM_MONITOR_TURNS_H
#define TANDEM_MONITOR_TURNS_H

#include "monitor.h"

#define TURN_UNKNOWN UINT32_MAX /* no thread's tag */

/* Takes the turn, if it is free and the next record may be for this thread. */
static inline bool turn_take(struct process *p, uint32_t tag)
{
	uint32_t free = 0, next = atomic_load(&p->next_turn);

	if (next && next != tag + 1)
		return false;
	return atomic_compare_exchange_strong(&p->order, &free, 1);
}

/* Takes it as soon as it is free, whoever's record is next. One thread always has it. */
static inline void turn_acquire(struct process *p)
{
	if (!p->alone)
		lock_acquire(&p->order);
}

/* Does anybody wait? Without this there's no need to know whose the next record is. */
static inline bool turn_waited(struct process *p)
{
	return atomic_load_explicit(&p->turn_waiters, memory_order_relaxed);
}

/* Gives the turn up to others; to: tag of the thread that the next record is for. */
void turn_hand(struct process *p, uint32_t to);

/* The same where there may be no others. */
static inline void turn_pass(struct process *p, uint32_t to)
{
	if (!p->alone)
		turn_hand(p, to);
}

/* A thread's wait for its turn, on its stack; zeroed at first. */
struct turn_wait {
	int64_t nap;   /* not 0: it was only a nap, so look at the stream but don't wait there */
	uint32_t seen; /* the futex word, before the last look */
	bool counted, deputy;
	int64_t longest; /* not 0: it never sleeps longer than that, nor waits in the stream */
};

/* Waits until there may be something for the thread; the first time only counts it. */
void turn_wait(struct process *p, uint32_t tag, struct turn_wait *w);

/* The wait is over; without a record the thread doesn't have the turn. */
void turn_end_wait(struct process *p, uint32_t tag, const struct turn_wait *w);

/* Has found its record, and keeps the turn. */
static inline void turn_found(struct process *p, uint32_t tag, const struct turn_wait *w)
{
	if (unlikely(w->counted))
		turn_end_wait(p, tag, w);
}

/* Any thread, in front of a sleep that isn't a wait for a record. */
void turn_leave(struct process *p);

/* In the child of a fork: nobody else is there. */
void turn_init(struct process *p);

#endif
