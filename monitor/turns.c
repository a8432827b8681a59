/* SPDX-License-Identifier: MIT */
#include "turns.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>

#define NAP_SHORT 1000000l
#define NAP_LONG 16000000l

static void wake(struct turn *turn)
{
	atomic_fetch_add(&turn->word, 1);
	sys(SYS_futex, &turn->word, FUTEX_WAKE_PRIVATE, INT32_MAX);
}

/* The deputy, or one of those that wait if there is none. */
static void wake_one(struct process *p)
{
	uint32_t deputy = atomic_load(&p->deputy);

	if (deputy) {
		wake(&p->turn[(deputy - 1) % TURNS]);
		return;
	}
	for (unsigned i = 0; i < TURNS; i++) {
		if (atomic_load(&p->turn[i].waiters)) {
			wake(&p->turn[i]);
			return;
		}
	}
}

void turn_hand(struct process *p, uint32_t to)
{
	struct turn *turn = &p->turn[to % TURNS];

	atomic_store_explicit(&p->next_turn, to + 1, memory_order_relaxed);
	lock_release(&p->order);
	if (likely(!atomic_load(&p->turn_waiters)))
		return;
	if (to != TURN_UNKNOWN) {
		if (atomic_load(&turn->waiters))
			wake(turn);
	} else if (unlikely(!atomic_load(&p->deputy))) {
		wake_one(p);
	}
}

void turn_leave(struct process *p)
{
	if (atomic_load(&p->turn_waiters))
		wake_one(p);
}

static void sleep_turn(struct process *p, uint32_t tag, struct turn_wait *w)
{
	struct timespec rest = {.tv_nsec = w->nap ? w->nap : NAP_SHORT};
	int64_t longest = NAP_LONG;
	uint32_t none = 0;
	long error;

	w->deputy |= atomic_compare_exchange_strong(&p->deputy, &none, tag + 1);
	error = sys(SYS_futex, &p->turn[tag % TURNS].word, FUTEX_WAIT_PRIVATE, w->seen,
		    w->deputy || w->longest ? &rest : NULL);
	w->nap = error == -ETIMEDOUT ? rest.tv_nsec * 2 : 0;
	if (w->longest && !w->deputy)
		longest = w->longest;
	if (w->nap > longest)
		w->nap = longest;
}

void turn_wait(struct process *p, uint32_t tag, struct turn_wait *w)
{
	struct turn *turn = &p->turn[tag % TURNS];

	if (w->counted) {
		sleep_turn(p, tag, w);
	} else {
		w->counted = true;
		atomic_fetch_add(&turn->waiters, 1);
		atomic_fetch_add(&p->turn_waiters, 1);
	}
	w->seen = atomic_load(&turn->word);
}

void turn_end_wait(struct process *p, uint32_t tag, const struct turn_wait *w)
{
	if (w->deputy)
		atomic_store(&p->deputy, 0);
	atomic_fetch_sub(&p->turn_waiters, 1);
	atomic_fetch_sub(&p->turn[tag % TURNS].waiters, 1);
}

void turn_init(struct process *p)
{
	memset(p->turn, 0, sizeof(p->turn));
	p->turn_waiters = p->deputy = p->next_turn = 0;
}
