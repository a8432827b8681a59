/* SPDX-License-Identifier: MIT */
/*
 * Futexes work on each variant's own memory. Those of libc's that are ordered where it is called
 * (locks.c) are not logged. With those of the program, locks and conditions of its own making, one
 * thread lets another go on: that a wait has ended, and that others were woken, are records
 * (RECORD_FUTEX), with the leader's results. A wake is said before the woken thread can say
 * anything; behind the end of a wait a follower's word has changed if the leader's has, though the
 * one who changes it may not be seen doing so: another process, or the kernel at the end of a
 * thread. So is the end of a wait for a lock inside libc that nobody stands in front of
 * (getaddrinfo has several, and makes calls meanwhile): segments come one after the other
 * (segment.h), so twins find it taken at the same places, and the record says which segment comes
 * behind the wait.
 *
 * Whether a thread has to wait at all depends on when others have changed its word, and where
 * segments run side by side (segment.h) that isn't the same in all variants. So these calls aren't
 * compared, and one that only some variants make is no divergence: a follower passes over
 * a record of the leader's that it has no use for, and waits by itself where the leader hasn't.
 *
 * A signal ends a wait in the leader; a follower that waits by itself looks for it now and then.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>

#include "../allocator.h"
#include "../interpose/patch.h"
#include "../owner.h"
#include "../process.h"
#include "../segment.h"
#include "../signals.h"
#include "../turns.h"
#include "hooks.h"

#define LOOK_NS 5000000l
#define LOOKS 10 /* as often a follower looks whether a word has changed as the leader's has */
/* As long as the leader may say nothing before a follower looks at its own word, first and later.
 */
#define SILENCE_NS 100000000l
#define SILENCE_MOST 800000000l
#define SYSCALL_FUNCTION 64 /* bytes of libc's, at most */

static bool waits(unsigned op)
{
	op &= FUTEX_CMD_MASK;
	return op == FUTEX_WAIT || op == FUTEX_WAIT_BITSET || op == FUTEX_LOCK_PI ||
	       op == FUTEX_LOCK_PI2 || op == FUTEX_WAIT_REQUEUE_PI;
}

static bool waits_plainly(unsigned op)
{
	op &= FUTEX_CMD_MASK;
	return op == FUTEX_WAIT || op == FUTEX_WAIT_BITSET;
}

static bool wakes(unsigned op)
{
	op &= FUTEX_CMD_MASK;
	return op == FUTEX_WAKE || op == FUTEX_WAKE_BITSET || op == FUTEX_REQUEUE ||
	       op == FUTEX_CMP_REQUEUE || op == FUTEX_WAKE_OP;
}

/* Nobody else sees the process's memory: there is nobody to be woken. */
static bool lonely(const struct process *p)
{
	return p->alone && !p->maps && !p->crowded;
}

/* By syscall() of libc's libc makes calls for others. */
static bool by_syscall(uintptr_t site)
{
	return site - variant.libc_syscall < SYSCALL_FUNCTION;
}

static bool allocators_own(const struct call *c, uintptr_t site)
{
	uintptr_t caller = 0;

	if (by_syscall(site))
		user_read(&caller, (void *)regs_stack(c->regs), sizeof(caller));
	else
		caller = site;
	return is_allocator((void *)caller);
}

static bool wake_is_told(const struct call *c)
{
	uintptr_t site = stub_site(regs_ip(c->regs));

	return !c->thread->within && (!is_libc((void *)site) || by_syscall(site)) &&
	       !allocators_own(c, site);
}

/* Not where a follower has the turn: what it waits for is what it has the turn for. */
static bool wait_is_told(const struct call *c)
{
	return !c->thread->within && !c->thread->held &&
	       !allocators_own(c, stub_site(regs_ip(c->regs)));
}

static void leader_wait(struct call *c)
{
	const uint64_t *a = c->args;

	leader_flush(c->thread);
	c->result = gate_pass(gate.wait, SYS_futex, (long)a[0], (long)a[1], (long)a[2], (long)a[3],
			      (long)a[4], (long)a[5]);
	if (c->result == -EINTR && atomic_load(&c->thread->pending)) {
		c->signalled = true;
		c->restart = signals_restart(c->thread);
	}
}

/* A look at the follower's own word, as long as that is what it was: -EAGAIN when it isn't. */
static long look(const struct call *c)
{
	struct timespec time = {.tv_nsec = LOOK_NS};
	unsigned op = (unsigned)c->args[1] & FUTEX_PRIVATE_FLAG;

	return sys(SYS_futex, c->args[0], op | FUTEX_WAIT, (uint32_t)c->args[2], &time);
}

static void take_signal(struct call *c)
{
	siginfo_t info;
	uint8_t flags;

	if (!follower_take_signal(c->thread, &info, &flags))
		return;
	c->result = -EINTR;
	signals_taken(c, &info, flags);
}

/* The follower's own wait, with looks at the stream. */
static void follower_wait(struct call *c)
{
	turn_leave(c->process);
	for (;;) {
		c->result = look(c);
		if (c->result != -ETIMEDOUT && c->result != -EINTR)
			return;
		take_signal(c);
	}
}

static void follower_wait_told(struct call *c)
{
	struct thread *t = c->thread;
	struct record header;
	struct record_futex futex;
	int64_t silence = SILENCE_NS;
	uint32_t word;

	for (;; silence = silence < SILENCE_MOST ? 2 * silence : silence) {
		switch (follower_futex(t, false, silence, &header, &futex)) {
		case FUTEX_SAID:
			segment_begin_follower(t, header.flags);
			for (int i = 0; futex.changed && i < LOOKS && look(c) != -EAGAIN; i++) {
				if (process_halted(c->process))
					park();
			}
			follower_release(t, header.size);
			c->result = header.result;
			return;
		case FUTEX_SIGNAL:
			take_signal(c);
			break;
		case FUTEX_OTHER:
			follower_wait(c);
			segment_resume(t);
			return;
		case FUTEX_SILENCE:
			/* Where no segment was left out the leader waits as well. */
			if (!atomic_load(&c->process->uneven) ||
			    (user_read(&word, (void *)c->args[0], sizeof(word)) == 0 &&
			     word == (uint32_t)c->args[2]))
				break;
			c->result = -EAGAIN;
			segment_resume(t);
			return;
		}
	}
}

static void wait_told(struct call *c)
{
	if (!c->process->leader) {
		follower_wait_told(c);
		return;
	}
	segment_end(c->thread);
	leader_wait(c);
	if (c->signalled)
		segment_resume(c->thread);
	else
		leader_futex(c, false);
}

/* What a follower's own call comes to depends on who waits by itself. */
static void wake_told(struct call *c)
{
	struct thread *t = c->thread;
	struct record header;
	struct record_futex futex;

	if (c->process->leader) {
		leader_futex(c, true);
		return;
	}
	if (follower_futex(t, true, SILENCE_NS, &header, &futex) != FUTEX_SAID) {
		call_private(c);
		segment_resume(t);
		return;
	}
	segment_begin_follower(t, header.flags);
	call_private(c);
	follower_release(t, header.size);
	c->result = header.result;
}

static void own_call(struct call *c)
{
	if (c->process->leader || !owner_futex(c))
		call_private(c);
}

void hook_futex(struct call *c)
{
	unsigned op = (unsigned)c->args[1], within = c->thread->within;

	if (wakes(op) && !lonely(c->process) && wake_is_told(c)) {
		wake_told(c);
		return;
	}
	if (!waits(op)) {
		own_call(c);
		return;
	}
	if (waits_plainly(op) && wait_is_told(c)) {
		wait_told(c);
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
	} else if (waits_plainly(op) && !within) {
		follower_wait(c);
	} else {
		turn_leave(c->process);
		own_call(c);
	}
	segment_resume(c->thread);
}
