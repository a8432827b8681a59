/* SPDX-License-Identifier: MIT */
/* The path of a call, from the stub to the program's next instruction. */
#include "call.h"

#include <errno.h>
#include <sys/syscall.h>

#include "execute.h"
#include "process.h"
#include "signals.h"
#include "trace.h"

long call_execute_own(struct call *c)
{
	const uint64_t *a = c->args;

	return sys(call_number(c->row), a[0], a[1], a[2], a[3], a[4], a[5]);
}

int call_pack_own(struct call *c)
{
	struct thread *t = c->thread;
	int error;

	for (;;) {
		c->pack.buf = t->buffer;
		c->pack.capacity = t->buffer_size;
		c->pack.scratch = t->scratch;
		c->pack.scratch_capacity = t->scratch_size;
		c->pack.needed = c->pack.needed_scratch = 0;
		error = pack_args(c->row, c->args, &c->pack);
		if (likely(error == 0 || error == -EFAULT))
			return error;
		if (error != -ENOSPC)
			stop_internal("a call's arguments can't be packed", error);
		if (memory_grow((void **)&t->buffer, &t->buffer_size, c->pack.needed) ||
		    memory_grow((void **)&t->scratch, &t->scratch_size, c->pack.needed_scratch))
			stop_internal("no memory for a call's arguments", -ENOMEM);
	}
}

bool call_may_sleep(const struct call *c)
{
	const struct fd_entry *e;

	if (!(c->row->flags & CALL_BLOCKS))
		return false;
	if (c->row->arg[0].type != ARG_FD)
		return true;
	e = fd_get(c->process, (int)c->args[0]);
	return !e || !e->nonblocking || e->kind == FD_EPOLL;
}

void call_enter(struct call *c)
{
	if (c->process->leader)
		leader_enter(c);
	else
		follower_enter(c);
}

void call_leave(struct call *c)
{
	if (c->process->leader)
		leader_leave(c);
	else
		follower_leave(c);
}

void call_finish(struct call *c)
{
	if (!c->process->leader)
		follower_finish(c);
}

/* A descriptor of which this follower has a copy of its own: the copy follows. */
static void shadow(struct call *c)
{
	struct fd_entry *e;
	uint64_t fd = c->args[0];

	if (c->row->arg[0].type != ARG_FD || call_failed(c->result) || c->restart)
		return;
	e = fd_get(c->process, (int)fd);
	if (likely(!e || !e->shadow))
		return;
	c->args[0] = (uint64_t)e->real - 1;
	call_execute_own(c);
	c->args[0] = fd;
}

void call_generic(struct call *c)
{
	struct process *p = c->process;

	if (p->leader) {
		leader_enter(c);
		call_execute(c);
		leader_leave(c);
	} else {
		follower_enter(c);
		follower_leave(c);
		shadow(c);
	}
	if (unlikely(c->row->result == RESULT_FD) && !call_failed(c->result) && !c->restart)
		fd_note_new(c);
	if (!p->leader)
		follower_finish(c);
}

void call_both(struct call *c)
{
	struct process *p = c->process;

	if (p->leader) {
		leader_enter(c);
		call_execute(c);
		leader_leave(c);
		return;
	}
	follower_enter(c);
	follower_leave(c);
	if (!call_failed(c->result) && !c->restart) {
		long own = call_execute_own(c);

		if (own != c->result && c->row->result != RESULT_PTR) {
			c->result = own;
			diverge(c->thread, DIVERGENCE_RESULT, c, c->record,
				"the same call had another result here");
		}
	}
	follower_finish(c);
}

/*
 * In lockstep whatever the policy: a call that not all make is a divergence, and only the leader
 * knows that they have made it. So a follower says nothing, and waits for a result that never
 * comes.
 */
void call_unsupported(struct call *c, const char *why)
{
	c->lockstep = c->process->leader;
	call_enter(c);
	if (c->lockstep && !c->process->leader)
		call_leave(c);
	stop_unsupported(c, why);
}

static void call_missing(struct call *c)
{
	if (c->number > 0 && c->number & NUMBER_FOREIGN)
		call_unsupported(c, ARCH_FOREIGN);
	if (c->call == CALL_syscall)
		call_unsupported(c, "tandem doesn't know this call");
	if (!(c->row->flags & CALL_OPTIONAL))
		call_unsupported(c, "tandem doesn't support this call");
	call_enter(c);
	c->result = -ENOSYS;
	call_leave(c);
	call_finish(c);
}

void call_private(struct call *c)
{
	const uint64_t *a = c->args;

	c->result = sys(call_number(c->row), a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* The calls that the entry sends straight to the gate. They do nothing that a halt has to stop. */
void call_init(void)
{
	for (long number = 0; number < PRIVATE_NUMBERS; number++) {
		const struct call_row *row = call_by_number(number);

		monitor_private[number] = row && row->class == CALL_PRIVATE &&
					  (row->hook == HOOK_none || row->hook == HOOK_yield);
	}
}

void call_threads(void)
{
	monitor_private[call_number(&call_table[CALL_sched_yield])] = false;
}

/* As if it were made through syscall(): its number is compared like an argument. */
static void call_without_row(struct call *c)
{
	c->row = &call_table[CALL_syscall];
	for (int i = 5; i > 0; i--)
		c->args[i] = c->args[i - 1];
	c->args[0] = (uint64_t)(int)c->number;
}

/*
 * A call that was interrupted by a signal with SA_RESTART, or before which one was
 * delivered, is made again: the frame of the handler returns to the head of the stub.
 *
 * Nothing that was called before the system call should have to return behind it (gate.S of arch/):
 * so what is of this file becomes a part of this function (flatten), which doesn't return itself.
 */
__attribute__((flatten)) void monitor_call(struct regs *regs)
{
	struct thread *t = thread_self();
	struct process *p = t->process;
	struct call c;
	long number = regs_number(regs);

	if (unlikely(process_halted(p)))
		park();
	t->regs = regs;
	c.row = call_by_number(number);
	c.number = number;
	regs_args(regs, c.args);
	if (unlikely(!c.row)) {
		if (number == NUMBER_SYNC && !p->leader) {
			follower_hold(t, regs);
			return;
		}
		call_without_row(&c);
	}
	c.thread = t;
	c.process = p;
	c.regs = regs;
	t->site = regs_ip(regs);
	if (unlikely(c.row->flags & CALL_OLD_FORM))
		c.row = call_canonicalise(c.row, c.args);
	c.call = (uint32_t)(c.row - call_table);
	c.level = c.row->level;

	p->state->calls_private += t->private;
	t->private = 0;
	if (c.row->class == CALL_PRIVATE && c.row->hook == HOOK_none) {
		call_private(&c);
		p->state->calls_private++;
		trace(t, &c);
		regs_set_result(regs, c.result);
		regs_leave(regs);
	}

	c.hold = c.locked = c.bad_address = c.restart = c.signalled = c.lockstep = c.noted = false;
	c.reserved = NULL;
	c.extra_bytes = 0;
	c.record = NULL;
	atomic_store_explicit(&p->state->in_call, call_canonical(&c) + 1, memory_order_relaxed);
	if (c.row->hook != HOOK_none)
		call_hooks[c.row->hook](&c);
	else if (c.row->class == CALL_BOTH)
		call_both(&c);
	else if (unlikely(c.row->class == CALL_UNSUPPORTED))
		call_missing(&c);
	else
		call_generic(&c);
	atomic_store_explicit(&p->state->in_call, 0, memory_order_relaxed);
	if (likely(!c.noted))
		trace(t, &c);
	regs_set_result(regs, c.result);
	if (unlikely(c.restart))
		regs_restart(regs, number);
	if (unlikely(c.signalled))
		signals_at_exit(t, &c);
	regs_leave(regs);
}
