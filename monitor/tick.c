/* SPDX-License-Identifier: MIT */
#include "tick.h"

#include <sys/syscall.h>

#include "call.h"
#include "signals.h"

#define TICK_NS 20000000

static void set(struct thread *t, int64_t every)
{
	const struct timespec time = {.tv_nsec = every};
	const struct itimerspec ticks = {time, time};

	sys(SYS_timer_settime, t->ticker - 1, 0, &ticks, 0);
	t->ticks = every != 0;
}

void tick_on(struct thread *t)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGSYS};
	int32_t number;

	if (!t->ticker) {
		event._sigev_un._tid = t->tid;
		if (sys(SYS_timer_create, CLOCK_THREAD_CPUTIME_ID, &event, &number) < 0)
			return; /* too many signals are pending; its signals wait for calls */
		t->ticker = number + 1;
	}
	set(t, TICK_NS);
}

void tick_off(struct thread *t)
{
	if (t->ticks)
		set(t, 0);
}

void tick_end(struct thread *t)
{
	if (t->ticker)
		sys(SYS_timer_delete, t->ticker - 1);
	t->ticker = 0;
	t->ticks = false;
}

void tick_forget(struct thread *t)
{
	t->ticker = 0;
	t->ticks = false;
	if (!t->process->leader)
		tick_on(t);
}

/*
 * Not in the monitor, nor in what libc does for it. A stub is left for the monitor, or has been
 * come back to: frames hold the site instead. A thread may make nothing but private calls, which
 * pass through the gate alone.
 */
static bool in_program(const struct thread *t, ucontext_t *context)
{
	uintptr_t ip = context_ip(context);

	if (t->within || t->held)
		return false;
	if (ip >= gate.private_over && ip < gate.private_end) {
		context_finish_private(context, t->resume);
		return true;
	}
	return !signals_in_monitor(ip);
}

void tick(ucontext_t *context)
{
	struct thread *t = thread_self();

	if (in_program(t, context))
		signals_between(context);
}
