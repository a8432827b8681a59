/* SPDX-License-Identifier: MIT */
/*
 * Futexes work on each variant's own memory and are not logged; a wait with a
 * timeout is, because how it ends depends on time. A signal ends a wait in the
 * leader; its twin, asleep outside of the stream's sight, looks for it now and then.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>

#include "../segment.h"
#include "../signals.h"
#include "../turns.h"
#include "hooks.h"

#define LOOK_NS 5000000l

static bool waits(unsigned op)
{
	op &= FUTEX_CMD_MASK;
	return op == FUTEX_WAIT || op == FUTEX_WAIT_BITSET || op == FUTEX_LOCK_PI ||
	       op == FUTEX_LOCK_PI2 || op == FUTEX_WAIT_REQUEUE_PI;
}

static void leader_wait(struct call *c)
{
	const uint64_t *a = c->args;

	leader_flush(c->thread);
	c->result = gate.wait(SYS_futex, (long)a[0], (long)a[1], (long)a[2], (long)a[3], (long)a[4],
			      (long)a[5]);
	if (c->result == -EINTR && atomic_load(&c->thread->pending)) {
		c->signalled = true;
		c->restart = signals_restart(c->thread);
	}
}

/* The follower's own wait, with looks at the stream. timed: the leader says when it has ended. */
static void follower_wait(struct call *c)
{
	struct thread *t = c->thread;
	unsigned op = (unsigned)c->args[1] & FUTEX_PRIVATE_FLAG;

	turn_leave(c->process);
	for (;;) {
		struct timespec look = {.tv_nsec = LOOK_NS};
		siginfo_t info;
		uint8_t flags;

		c->result =
			sys(SYS_futex, c->args[0], op | FUTEX_WAIT, (uint32_t)c->args[2], &look);
		if (c->result != -ETIMEDOUT)
			return;
		if (follower_take_signal(t, &info, &flags)) {
			c->result = -EINTR;
			signals_taken(c, &info, flags);
		}
	}
}

static bool waitv(uint32_t op)
{
	op &= FUTEX_CMD_MASK;
	return op == FUTEX_WAIT || op == FUTEX_WAIT_BITSET;
}

static void timed_wait(struct call *c)
{
	struct process *p = c->process;
	struct call_row row;

	call_refine(c, &row);
	row.class = CALL_WORLD;
	row.arg[0].type = row.arg[2].type = row.arg[5].type = ARG_IGNORE;
	call_enter(c);
	if (p->leader) {
		const uint64_t *a = c->args;

		c->result = gate.wait(SYS_futex, (long)a[0], (long)a[1], (long)a[2], (long)a[3],
				      (long)a[4], (long)a[5]);
	}
	call_leave(c);
	call_finish(c);
	/* Woken, or the value had changed: ours will have, too. */
	if (!p->leader && !c->restart && (c->result == 0 || c->result == -EAGAIN)) {
		long result = c->result;

		c->args[3] = 0;
		segment_end(c->thread);
		follower_wait(c);
		segment_resume(c->thread);
		c->result = result;
	}
}

void hook_futex(struct call *c)
{
	unsigned op = (unsigned)c->args[1], within = c->thread->within;

	if (!waits(op)) {
		call_private(c);
		return;
	}
	if (c->args[3] && waitv(op) && !within) {
		timed_wait(c);
		return;
	}
	/* Whoever has the order lock waits for this segment: nothing here may need it. */
	if (within == WITHIN_SIGNAL) {
		call_private(c);
		return;
	}
	segment_end(c->thread);
	if (c->process->leader) {
		leader_wait(c);
		if (within == WITHIN_ACQUISITION)
			return;
	} else if (waitv(op) && !within) {
		follower_wait(c);
	} else {
		turn_leave(c->process);
		call_private(c);
	}
	segment_resume(c->thread);
}
