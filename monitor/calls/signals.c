/* SPDX-License-Identifier: MIT */
/* Calls about signals. Handlers and masks are the monitor's to keep. */
#include <errno.h>
#include <sys/syscall.h>

#include "../signals.h"
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
		seen.disposition = action.handler > 1 ? 2 : action.handler;
		seen.flags = action.flags;
		seen.mask = action.mask;
		c->args[1] = (uint64_t)&seen;
	}
	c->hold = true;
	call_enter(c);
	if (c->process->leader)
		c->result = bad			? -EFAULT
			    : c->args[3] != 8 ? -EINVAL
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

void hook_sigreturn(struct call *c)
{
	frame_return(c->thread, c->regs);
}

void hook_sigaltstack(struct call *c)
{
	struct thread *t = c->thread;
	uint64_t sp = regs_stack(c->regs);
	stack_t old = t->altstack, new;
	bool inside = !(old.ss_flags & SS_DISABLE) && sp > (uint64_t)old.ss_sp &&
		      sp - (uint64_t)old.ss_sp <= old.ss_size;

	c->result = 0;
	if (c->args[0]) {
		if (user_read(&new, (void *)c->args[0], sizeof(new)) < 0)
			c->result = -EFAULT;
		else if (inside)
			c->result = -EPERM;
		else if (new.ss_flags & ~(SS_DISABLE | SS_ONSTACK | (int)(1u << 31)))
			c->result = -EINVAL;
		else if (!(new.ss_flags & SS_DISABLE) && new.ss_size < 2048)
			c->result = -ENOMEM;
	}
	if (c->result == 0 && c->args[1]) {
		if (inside)
			old.ss_flags |= SS_ONSTACK;
		if (user_write((void *)c->args[1], &old, sizeof(old)) < 0)
			c->result = -EFAULT;
	}
	if (c->result == 0 && c->args[0]) {
		new.ss_flags &= ~SS_ONSTACK;
		t->altstack = new;
	}
}
