/* SPDX-License-Identifier: MIT */
/* Calls about signals. Handlers and masks are the monitor's to keep. */
#include <errno.h>
#include <sys/syscall.h>

#include "../execute.h"
#include "../signals.h"
#include "../supervisor.h"
#include "hooks.h"

/* What twins can compare of an action: not its addresses. */
struct comparable_action {
	uint64_t disposition; /* 0 default, 1 ignore, 2 handler */
	uint64_t flags;
	uint64_t mask;
};

struct kernel_action {
	uint64_t handler, flags, restorer, mask;
};

static long change_action(struct process *p, int signal, const struct kernel_action *new,
			  const struct kernel_action *user, struct kernel_action *old_user)
{
	struct signal_action *a, old;
	struct kernel_action out;

	if (signal < 1 || signal > SIGNALS || (user && (signal == SIGKILL || signal == SIGSTOP)))
		return -EINVAL;
	a = &p->action[signal];
	old = *a;
	if (user) {
		*a = (struct signal_action){new->handler, new->flags, new->restorer,
					    new->mask &
						    ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))};
		signals_install(p, signal);
	}
	out = (struct kernel_action){old.handler, old.flags, old.restorer, old.mask};
	if (old_user && user_write(old_user, &out, sizeof(out)) < 0)
		return -EFAULT;
	return 0;
}

/* Without a handler programs leave the mask, and the flags that are about it, uninitialised. */
static struct comparable_action comparable(int signal, const struct kernel_action *a)
{
	uint64_t relevant = signal == SIGCHLD ? SA_NOCLDSTOP | SA_NOCLDWAIT : 0;

	if (a->handler > 1)
		return (struct comparable_action){2, a->flags, a->mask};
	return (struct comparable_action){a->handler, a->flags & relevant, 0};
}

void hook_sigaction(struct call *c)
{
	struct comparable_action seen = {0};
	struct kernel_action action = {0};
	const struct kernel_action *user = (const void *)c->args[1];
	struct kernel_action *old = (void *)c->args[2];
	int signal = (int)c->args[0];
	struct call_row row;
	bool bad = false;

	call_refine(c, &row);
	row.arg[1] = (struct arg_desc){.type = ARG_IN_FIXED, .size = sizeof(seen)};
	if (user) {
		bad = user_read(&action, user, sizeof(action)) < 0;
		seen = comparable(signal, &action);
		c->args[1] = (uint64_t)&seen;
	}
	c->hold = true;
	call_enter(c);
	if (c->process->leader)
		c->result = bad ? -EFAULT
			    : c->args[3] != 8
				    ? -EINVAL
				    : change_action(c->process, signal, &action, user, old);
	call_leave(c);
	if (!c->process->leader && c->result == 0)
		change_action(c->process, signal, &action, user, old);
	call_finish(c);
}

static long change_mask(struct thread *t, int how, uint64_t set, uint64_t *mask)
{
	switch (how) {
	case SIG_BLOCK:
		*mask = t->mask | set;
		return 0;
	case SIG_UNBLOCK:
		*mask = t->mask & ~set;
		return 0;
	case SIG_SETMASK:
		*mask = set;
		return 0;
	default:
		return -EINVAL;
	}
}

/* The mask is set before the call ends: what it lets in is delivered right behind it. */
void hook_sigprocmask(struct call *c)
{
	struct thread *t = c->thread;
	uint64_t set = 0, mask = t->mask, old = t->mask;

	call_enter(c);
	/* Nothing is said yet: what has just come may come before. */
	if (c->process->leader && !c->lockstep && atomic_load(&t->pending))
		signals_before(c);
	if (!c->bad_address && c->args[1])
		user_read(&set, (void *)c->args[1], sizeof(set));
	if (c->process->leader) {
		if (c->bad_address)
			c->result = -EFAULT;
		else if (c->args[3] != 8)
			c->result = -EINVAL;
		else
			c->result = c->args[1] ? change_mask(t, (int)c->args[0], set, &mask) : 0;
		if (c->result == 0 && c->args[2] &&
		    user_write((void *)c->args[2], &old, sizeof(old)) < 0)
			c->result = -EFAULT;
		if (c->result == 0 && mask != t->mask)
			signals_set_mask(t, mask);
	}
	call_leave(c);
	if (!c->process->leader && c->result == 0 && c->args[1]) {
		change_mask(t, (int)c->args[0], set, &mask);
		t->mask = mask & ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP));
	}
	call_finish(c);
}

/* kill and its kin. A process that dies of SIGKILL says nothing: its killer does. */
void hook_kill(struct call *c)
{
	unsigned at = 1;

	while (c->row->arg[at].type != ARG_SIGNAL)
		at++;
	call_enter(c);
	if (c->process->leader) {
		if ((int)c->args[at] == SIGKILL)
			supervisor_note_death(c->row->arg[0].type == ARG_PID ? (int32_t)c->args[0]
									     : 0,
					      DEATH_SENT);
		call_execute(c);
	}
	call_leave(c);
	call_finish(c);
}

/* A boundary: what the handler's mask held back comes before the program goes on. */
void hook_sigreturn(struct call *c)
{
	struct thread *t = c->thread;
	stack_t altstack;
	ucontext_t context;
	uint64_t mask;

	call_enter(c);
	if (frame_read(c->regs, &mask, &altstack) < 0)
		signals_die(SIGSEGV);
	t->altstack = altstack;
	signals_set_mask(t, mask);
	c->result = 0;
	call_leave(c);
	call_finish(c);
	atomic_store_explicit(&c->process->state->in_call, 0, memory_order_relaxed);
	if (!c->signalled)
		frame_return(t, c->regs);
	frame_interrupt(t, c->regs, &context);
	signals_at_return(t, c->regs, &context);
}

void hook_sigwait(struct call *c)
{
	struct process *p = c->process;
	siginfo_t *user = (siginfo_t *)c->args[1], info;

	call_enter(c);
	if (p->leader)
		call_execute(c);
	call_leave(c);
	if (!p->leader && c->result > 0 && user && user_read(&info, user, sizeof(info)) == 0) {
		signals_localise(p, &info);
		user_write(user, &info, sizeof(info));
	}
	call_finish(c);
}

/* The kernel carries the leader's value; twins keep their own by the timer's number. */
void hook_timer(struct call *c)
{
	struct process *p = c->process;
	struct sigevent event;
	int32_t number;

	c->hold = true;
	call_enter(c);
	if (p->leader)
		call_execute(c);
	call_leave(c);
	if (!p->leader && c->result == 0 &&
	    user_read(&number, (void *)c->args[2], sizeof(number)) == 0) {
		if (memory_grow((void **)&p->timer_value, &p->timer_bytes,
				((size_t)number + 1) * sizeof(*p->timer_value)))
			stop_internal("no memory for the table of timers", -ENOMEM);
		p->timer_value[number] = (uint32_t)number;
		if (c->args[1] && user_read(&event, (void *)c->args[1], sizeof(event)) == 0)
			p->timer_value[number] = (uint64_t)event.sigev_value.sival_ptr;
	}
	call_finish(c);
}

void hook_sigaltstack(struct call *c)
{
	struct thread *t = c->thread;
	uint64_t sp = regs_stack(c->regs);
	stack_t old = t->altstack, wanted;
	bool inside = !(old.ss_flags & SS_DISABLE) && sp > (uint64_t)old.ss_sp &&
		      sp - (uint64_t)old.ss_sp <= old.ss_size;

	c->result = 0;
	if (c->args[0]) {
		if (user_read(&wanted, (void *)c->args[0], sizeof(wanted)) < 0)
			c->result = -EFAULT;
		else if (inside)
			c->result = -EPERM;
		else if (wanted.ss_flags & ~(SS_DISABLE | SS_ONSTACK | (int)(1u << 31)))
			c->result = -EINVAL;
		else if (!(wanted.ss_flags & SS_DISABLE) && wanted.ss_size < 2048)
			c->result = -ENOMEM;
	}
	if (c->result == 0 && c->args[1]) {
		if (inside)
			old.ss_flags |= SS_ONSTACK;
		if (user_write((void *)c->args[1], &old, sizeof(old)) < 0)
			c->result = -EFAULT;
	}
	if (c->result == 0 && c->args[0]) {
		wanted.ss_flags &= ~SS_ONSTACK;
		t->altstack = wanted;
	}
}
