/* SPDX-License-Identifier: MIT */
/* Clocks: the leader's reads keep the speed of the vDSO, followers see the same time. */
#include <errno.h>

#include "../interpose/vdso.h"
#include "hooks.h"

/* false: the call has to be made through the gate. */
static bool from_vdso(struct call *c)
{
	const struct vdso_original *v = &vdso_original;
	uint8_t value[16]; /* struct timespec or struct timeval */

	switch (c->call) {
	case CALL_clock_gettime:
		if (!v->clock_gettime || v->clock_gettime((int)c->args[0], value))
			return false;
		c->result = user_write((void *)c->args[1], value, sizeof(value));
		return true;
	case CALL_gettimeofday:
		if (!v->gettimeofday || !c->args[0] || c->args[1] || v->gettimeofday(value, NULL))
			return false;
		c->result = user_write((void *)c->args[0], value, sizeof(value));
		return true;
	case CALL_time:
		if (!v->time)
			return false;
		c->result = v->time(NULL);
		if (c->args[0] && user_write((void *)c->args[0], &c->result, sizeof(c->result)))
			c->result = -EFAULT;
		return true;
	default:
		return false;
	}
}

void hook_clock(struct call *c)
{
	call_enter(c);
	if (c->process->leader && !from_vdso(c))
		call_execute(c);
	call_leave(c);
	call_finish(c);
}
