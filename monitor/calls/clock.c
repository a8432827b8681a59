/* SPDX-License-Identifier: MIT */
/* Clocks: the leader's reads keep the speed of the vDSO, followers see the same time. */
#include <errno.h>

#include "../clocks.h"
#include "../execute.h"
#include "hooks.h"

static bool give(struct call *c, const struct record_clock *read)
{
	int64_t value[2] = {read->seconds, read->part}; /* struct timespec or struct timeval */

	c->result = 0;
	if (c->call != CALL_time)
		return !user_write((void *)c->args[c->call == CALL_clock_gettime], value,
				   sizeof(value));
	c->result = read->seconds;
	return !c->args[0] || !user_write((void *)c->args[0], value, sizeof(*value));
}

/* false: it's a call like others. */
static bool from_vdso(struct call *c)
{
	struct thread *t = c->thread;
	int clock = c->call == CALL_clock_gettime ? (int)c->args[0] : 0;
	struct record_clock read;

	if (c->call == CALL_getcpu || (c->call == CALL_gettimeofday && (!c->args[0] || c->args[1])))
		return false;
	if (!c->process->leader && t->clocks_taken == t->clocks && !clocks_follow(t))
		return false;
	if (!clocks_read(t, c->call, clock, &read))
		return false;
	if (likely(give(c, &read)))
		return true;
	if (!c->process->leader)
		diverge(t, DIVERGENCE_RESULT, c, NULL,
			"the time can't be written to this variant's memory");
	clocks_forget(t);
	return false;
}

/* Who only asks leaves all but the mode uninitialised. */
void hook_timex(struct call *c)
{
	int which = c->call == CALL_clock_adjtime ? 1 : 0;
	struct call_row row;
	uint32_t modes = 1;

	call_refine(c, &row);
	user_read(&modes, (const void *)c->args[which], sizeof(modes));
	if (!modes)
		row.arg[which].aux = sizeof(modes);
	call_generic(c);
}

void hook_clock(struct call *c)
{
	c->noted = from_vdso(c);
	if (likely(c->noted))
		return;
	call_enter(c);
	if (c->process->leader)
		call_execute(c);
	call_leave(c);
	call_finish(c);
}

/*
 * A signal may end a sleep before the kernel knows of it (gate.wait), in lockstep also because it
 * came while the followers were waited for. Then all of it is left.
 */
void hook_sleep(struct call *c)
{
	unsigned at = c->call == CALL_nanosleep ? 1 : 3;
	const uint64_t *a = c->pack.exec;
	struct timespec old;
	bool left;

	call_enter(c);
	if (c->process->leader) {
		left = !c->bad_address && a[at] && !(at == 3 && (a[1] & TIMER_ABSTIME)) &&
		       user_read(&old, (void *)a[at], sizeof(old)) == 0 &&
		       user_write((void *)a[at], (void *)a[at - 1], sizeof(old)) == 0;
		call_execute(c);
		if (left && c->result != -EINTR)
			user_write((void *)a[at], &old, sizeof(old));
	}
	call_leave(c);
	call_finish(c);
}
