/* SPDX-License-Identifier: MIT */
#include "clocks.h"

#include <sys/syscall.h>
#include <sys/time.h>

#include "interpose/vdso.h"
#include "order.h"

static bool ask(uint32_t call, int clock, struct record_clock *read)
{
	const struct vdso_original *v = &vdso_original;
	struct timespec ts;
	struct timeval tv;

	switch (call) {
	case CALL_clock_gettime:
		if (clock < 0 || clock > UINT16_MAX || !v->clock_gettime ||
		    v->clock_gettime(clock, &ts))
			return false;
		read->seconds = ts.tv_sec;
		read->part = (uint32_t)ts.tv_nsec;
		break;
	case CALL_gettimeofday:
		if (!v->gettimeofday || v->gettimeofday(&tv, NULL))
			return false;
		read->seconds = tv.tv_sec;
		read->part = (uint32_t)tv.tv_usec;
		break;
	default:
		if (!v->time)
			return false;
		read->seconds = v->time(NULL);
		read->part = 0;
	}
	read->call = (uint16_t)call;
	read->clock = (uint16_t)clock;
	return true;
}

bool clocks_read(struct thread *t, uint32_t call, int clock, struct record_clock *read)
{
	struct process *p = t->process;

	if (!p->leader) {
		if (t->clocks_taken == t->clocks)
			return false;
		*read = t->clock[t->clocks_taken];
		if (read->call != call || read->clock != clock)
			return false;
		t->clocks_taken++;
	} else {
		if (t->clocks == RECORD_CLOCKS_MOST || p->inject || !ask(call, clock, read))
			return false;
		if (!t->clocks)
			atomic_fetch_add(&p->clocked, 1);
		t->clock[t->clocks++] = *read;
	}
	p->state->calls_world++;
	return true;
}

void clocks_forget(struct thread *t)
{
	struct process *p = t->process;

	p->state->calls_world--;
	if (!--t->clocks)
		atomic_fetch_sub(&p->clocked, 1);
}

/* In front of libc's functions, which would come to the same through the vDSO and the monitor. */
static bool read_here(const void *caller, uint32_t call, int clock, struct record_clock *read)
{
	if (unlikely(!variant.running))
		return false;
	if (unlikely(is_allocator(caller)))
		return ask(call, clock, read);
	return clocks_read(thread_self(), call, clock, read);
}

PUBLIC int clock_gettime(clockid_t clock, struct timespec *at)
{
	const void *caller = __builtin_return_address(0);
	struct record_clock read;

	if (likely(read_here(caller, CALL_clock_gettime, clock, &read))) {
		at->tv_sec = read.seconds;
		at->tv_nsec = read.part;
		return 0;
	}
	if (is_allocator(caller))
		return sys(SYS_clock_gettime, clock, at) < 0 ? -1 : 0;
	return REAL(clock_gettime)(clock, at);
}

PUBLIC int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
	const void *caller = __builtin_return_address(0);
	struct timeval *to = at;
	struct record_clock read;

	__asm__("" : "+r"(to)); /* the header says that nobody gives a NULL; programs do */
	if (likely(to && !zone && read_here(caller, CALL_gettimeofday, 0, &read))) {
		at->tv_sec = read.seconds;
		at->tv_usec = read.part;
		return 0;
	}
	if (is_allocator(caller))
		return sys(SYS_gettimeofday, at, zone) < 0 ? -1 : 0;
	return REAL(gettimeofday)(at, zone);
}

PUBLIC time_t time(time_t *at)
{
	const void *caller = __builtin_return_address(0);
	struct record_clock read;

	if (unlikely(!read_here(caller, CALL_time, 0, &read)))
		return REAL(time)(at);
	if (at)
		*at = read.seconds;
	return read.seconds;
}
