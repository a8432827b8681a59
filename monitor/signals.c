/* SPDX-License-Identifier: MIT */
#include "signals.h"

#include <elf.h>
#include <errno.h>
#include <sys/syscall.h>

#include "interpose/trap.h"
#include "process.h"
#include "robust.h"
#include "tick.h"
#include "turns.h"

#define SA_RESTORER 0x04000000

static void set_real_mask(uint64_t mask)
{
	sys(SYS_rt_sigprocmask, SIG_SETMASK, &mask, 0, sizeof(mask));
}

uint64_t signals_real_mask(const struct thread *t)
{
	if (!t->process->leader)
		return ~FAULTS;
	return (t->mask | (t->has_caught ? t->process->handled : 0)) & ~FAULTS;
}

static void look(struct thread *t)
{
	bool pending = t->has_caught || (t->sent & ~t->mask);

	atomic_store_explicit(&t->pending, pending, memory_order_relaxed);
	if (unlikely(pending != t->ticks) && t->process->leader)
		(pending ? tick_on : tick_off)(t);
}

uint64_t signals_block(void)
{
	uint64_t all = ~0ull, old = 0;

	sys(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, sizeof(all));
	return old;
}

uint64_t signals_hold(const struct thread *t)
{
	uint64_t set = t->process->handled | FAULTS, old = 0;

	sys(SYS_rt_sigprocmask, SIG_BLOCK, &set, &old, sizeof(set));
	return old;
}

bool signals_wait(const struct thread *t)
{
	uint64_t set = 0;

	sys(SYS_rt_sigpending, &set, sizeof(set));
	return atomic_load(&t->pending) || (set & t->process->handled & ~t->mask);
}

void signals_unblock(uint64_t real)
{
	set_real_mask(real);
}

/* To the process or, if it was sent to the thread, to that. All signals are blocked. */
static void send_again(struct thread *t, siginfo_t *info)
{
	if (info->si_code == SI_TKILL)
		sys(SYS_rt_tgsigqueueinfo, t->process->pid, t->tid, info->si_signo, info);
	else
		sys(SYS_rt_sigqueueinfo, t->process->pid, info->si_signo, info);
}

void signals_give_back(struct thread *t)
{
	if (t->has_caught)
		send_again(t, &t->caught);
	t->has_caught = false;
	look(t);
}

void signals_set_mask(struct thread *t, uint64_t mask)
{
	t->mask = mask & ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP));
	if (t->has_caught && (t->mask & SIGNAL_BIT(t->caught.si_signo))) {
		signals_block();
		signals_give_back(t);
	}
	look(t);
	set_real_mask(signals_real_mask(t));
}

static const int fault_signals[FAULT_SIGNALS] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};

static int fault_index(int signal)
{
	for (int i = 0; i < FAULT_SIGNALS; i++) {
		if (fault_signals[i] == signal)
			return i;
	}
	return -1;
}

/* The signal that is delivered next. */
static const siginfo_t *first(const struct thread *t)
{
	for (int i = 0; i < FAULT_SIGNALS; i++) {
		if (t->sent & ~t->mask & SIGNAL_BIT(fault_signals[i]))
			return &t->sent_info[i];
	}
	return t->has_caught ? &t->caught : NULL;
}

bool signals_restart(const struct thread *t)
{
	const siginfo_t *s = first(t);

	return s && (t->process->action[s->si_signo].flags & SA_RESTART);
}

static bool take(struct thread *t, siginfo_t *info)
{
	uint64_t old = signals_block();
	const siginfo_t *s = first(t);

	if (s) {
		*info = *s;
		if (s == &t->caught)
			t->has_caught = false;
		else
			t->sent &= ~SIGNAL_BIT(s->si_signo);
		look(t);
	}
	signals_unblock(old);
	return s != NULL;
}

static bool ignored_by_default(int signal)
{
	return signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH || signal == SIGCONT;
}

/*
 * The handler's frame; from here on regs are those of its first instruction. `during`: the mask
 * while the signal was let in, which a call may have set for its own time. Returns the signal that
 * the process dies of instead, or 0.
 */
static int deliver(struct thread *t, struct regs *regs, const siginfo_t *info, ucontext_t *context,
		   uint64_t during)
{
	struct process *p = t->process;
	int signal = info->si_signo;
	struct signal_action action;

	if (signal < 1 || signal > SIGNALS)
		stop_garbage(t, "a signal that doesn't exist");
	action = p->action[signal];
	p->state->signals++;
	if (action.handler == (uint64_t)SIG_IGN ||
	    (action.handler == (uint64_t)SIG_DFL && ignored_by_default(signal))) {
		signals_set_mask(t, t->mask);
		return 0;
	}
	if (action.handler == (uint64_t)SIG_DFL)
		return signal;
	if (frame_push(t, regs, info, &action, context) < 0)
		return SIGSEGV;
	if (action.flags & SA_RESETHAND) {
		p->action[signal].handler = (uint64_t)SIG_DFL;
		signals_install(p, signal);
	}
	during |= action.mask;
	if (!(action.flags & SA_NODEFER))
		during |= SIGNAL_BIT(signal);
	signals_set_mask(t, during);
	return 0;
}

/* One after the other, each on top of the one before, as the kernel does it. */
static void leader_deliver(struct thread *t, struct regs *regs, ucontext_t *context,
			   uint64_t during)
{
	siginfo_t info;
	uint8_t more = RECORD_SIGNALLED;

	leader_acquire(t);
	while (more && take(t, &info)) {
		int death = deliver(t, regs, &info, context, during);

		more = !death && atomic_load_explicit(&t->pending, memory_order_relaxed)
			       ? RECORD_SIGNALLED
			       : 0;
		t->ends = death;
		leader_note(t, RECORD_SIGNAL, more, info.si_signo, &info, sizeof(info), false);
		if (death)
			signals_die(death);
		context = NULL;
		during = t->mask;
	}
}

void signals_localise(const struct process *p, siginfo_t *info)
{
	uint32_t timer = (uint32_t)info->si_timerid;

	if (info->si_code == SI_TIMER && timer < p->timer_bytes / sizeof(*p->timer_value))
		info->si_value.sival_ptr = (void *)p->timer_value[timer];
}

static void follower_deliver(struct thread *t, struct regs *regs, ucontext_t *context,
			     uint64_t during)
{
	struct record header;
	siginfo_t info;

	do {
		int death;

		follower_note(t, RECORD_SIGNAL, &header, &info, sizeof(info),
			      "the leader had a signal here");
		signals_localise(t->process, &info);
		death = deliver(t, regs, &info, context, during);
		if (death)
			signals_die(death);
		context = NULL;
		during = t->mask;
	} while (header.flags & RECORD_SIGNALLED);
}

static void deliver_all(struct thread *t, struct regs *regs, ucontext_t *context, uint64_t during)
{
	if (t->process->leader)
		leader_deliver(t, regs, context, during);
	else
		follower_deliver(t, regs, context, during);
}

/* The mask that an interrupted call had set for its own time; else the program's. */
static uint64_t mask_during(const struct call *c)
{
	const struct {
		uint64_t set, bytes;
	} *pair = (const void *)c->args[5];
	uint64_t mask = c->thread->mask, set = 0;

	if (c->result != -EINTR)
		return mask;
	switch (c->call) {
	case CALL_rt_sigsuspend:
		set = c->args[0];
		break;
	case CALL_ppoll:
		set = c->args[3];
		break;
	case CALL_epoll_pwait:
	case CALL_epoll_pwait2:
		set = c->args[4];
		break;
	case CALL_pselect6:
		if (pair)
			user_read(&set, &pair->set, sizeof(set));
		break;
	}
	if (set)
		user_read(&mask, (const void *)set, sizeof(mask));
	return mask;
}

void signals_at_exit(struct thread *t, struct call *c)
{
	deliver_all(t, c->regs, NULL, mask_during(c));
}

void signals_at_return(struct thread *t, struct regs *regs, ucontext_t *context)
{
	deliver_all(t, regs, context, t->mask);
	regs_resume(regs);
}

void signals_before(struct call *c)
{
	struct thread *t = c->thread;

	if (!t->process->leader)
		turn_pass(t->process, t->tag);
	regs_restart(c->regs, c->number);
	deliver_all(t, c->regs, NULL, t->mask);
	regs_resume(c->regs);
}

void signals_taken(struct call *c, siginfo_t *info, uint8_t flags)
{
	struct thread *t = c->thread;
	int death;

	signals_localise(t->process, info);
	regs_set_result(c->regs, -EINTR);
	if (info->si_signo >= 1 && info->si_signo <= SIGNALS &&
	    (t->process->action[info->si_signo].flags & SA_RESTART))
		regs_restart(c->regs, c->number);
	death = deliver(t, c->regs, info, NULL, t->mask);
	if (death)
		signals_die(death);
	if (flags & RECORD_SIGNALLED)
		follower_deliver(t, c->regs, NULL, t->mask);
	regs_resume(c->regs);
}

static bool in(uintptr_t ip, const void *begin, const void *end)
{
	return ip >= (uintptr_t)begin && ip < (uintptr_t)end;
}

/*
 * Handler of every signal that the program handles, and of faults sent by somebody. All signals
 * are blocked while it runs.
 */
static void catch_signal(int signal, siginfo_t *info, void *context)
{
	struct thread *t = thread_self();
	ucontext_t *uc = context;
	uint64_t *mask = (uint64_t *)&uc->uc_sigmask;
	int fault = fault_index(signal);

	if (!t->process->leader)
		return;
	if (fault >= 0) {
		if (!(t->sent & SIGNAL_BIT(signal)))
			t->sent_info[fault] = *info;
		t->sent |= SIGNAL_BIT(signal);
	} else if (t->has_caught) {
		/* Its handler was installed after the last signal was caught. */
		send_again(t, info);
	} else {
		t->caught = *info;
		t->has_caught = true;
	}
	if (t->has_caught)
		*mask |= (t->process->handled | SIGNAL_BIT(signal)) & ~FAULTS;
	look(t);
	if (t->pending && in(context_ip(uc), (void *)gate.look, (void *)gate.enter))
		context_set_ip(uc, gate.interrupted);
}

extern char library_begin[] __asm__("__ehdr_start") __attribute__((visibility("hidden")));
static const char *library_end; /* of its code */

/* The monitor's own code, from the program headers in front of it. */
static void find_library(void)
{
	const Elf64_Ehdr *e = (const void *)library_begin;
	const Elf64_Phdr *ph = (const void *)(library_begin + e->e_phoff);

	for (int i = 0; i < e->e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD && (ph[i].p_flags & PF_X))
			library_end = library_begin + ph[i].p_vaddr + ph[i].p_memsz;
	}
}

static void internal_fault(ucontext_t *uc, int signal)
{
	static char text[] = "a fault within the monitor at libtandem.so+0x0000000000000000";
	uint64_t offset = context_ip(uc) - (uintptr_t)library_begin;

	for (int i = 0; i < 16; i++)
		text[sizeof(text) - 2 - i] = "0123456789abcdef"[(offset >> (4 * i)) & 15];
	stop_internal(text, signal);
}

bool signals_in_monitor(uintptr_t ip)
{
	return in(ip, library_begin, library_end) || (ip >= gate.begin && ip < gate.end);
}

void signals_between(ucontext_t *context)
{
	struct thread *t = thread_self();
	struct process *p = t->process;
	struct regs regs;
	siginfo_t info;
	int death;

	if (p->leader ? !take(t, &info) : !follower_look_signal(t, &info))
		return;
	context_regs(context, &regs);
	t->regs = &regs;
	if (p->leader)
		leader_acquire(t);
	else
		signals_localise(p, &info);
	death = deliver(t, &regs, &info, context, t->mask);
	if (p->leader)
		leader_note_between(t, &info);
	if (death)
		signals_die(death);
	*(uint64_t *)&context->uc_sigmask = signals_real_mask(t);
}

/* Handler of faults. */
static void catch_fault(int signal, siginfo_t *info, void *context)
{
	struct thread *t = thread_self();
	struct process *p = t->process;
	ucontext_t *uc = context;
	uintptr_t ip = context_ip(uc);
	struct signal_action *action = &p->action[signal];
	struct record header;
	struct regs regs;
	bool dies = action->handler == (uint64_t)SIG_DFL || action->handler == (uint64_t)SIG_IGN ||
		    (t->mask & SIGNAL_BIT(signal));

	if (info->si_code <= 0) {
		catch_signal(signal, info, context);
		return;
	}
	if (in(ip, user_fault_begin, user_fault_end)) {
		context_set_ip(uc, (uintptr_t)user_fault);
		return;
	}
	if (in(ip, library_begin, library_end))
		internal_fault(uc, signal);
	context_regs(uc, &regs);
	t->regs = &regs;
	p->state->fault = (uint32_t)signal;
	if (p->leader) {
		t->ends = dies;
		leader_note(t, RECORD_FAULT, 0, signal, NULL, 0, true);
	} else {
		const struct record *r = follower_next(t, &header);

		if (header.kind != RECORD_FAULT || header.result != signal)
			diverge(t, DIVERGENCE_CRASH, NULL, r,
				"this variant crashed, the leader didn't");
		follower_resume(t, &header);
	}
	if (dies)
		signals_die(signal);
	signal = deliver(t, &regs, info, uc, t->mask);
	if (signal)
		signals_die(signal);
	/* frame_push has changed *uc: the kernel resumes in the handler, with the new mask. */
	*(uint64_t *)&uc->uc_sigmask = signals_real_mask(t);
}

struct kernel_sigaction {
	uint64_t handler, flags, restorer, mask;
};

static long install(int signal, void *handler, uint64_t flags)
{
	struct kernel_sigaction sa = {(uint64_t)handler, flags, (uint64_t)gate.restorer, ~0ull};

	if ((uint64_t)handler > 1)
		sa.flags |= SA_SIGINFO | SA_ONSTACK | SA_RESTORER;
	/* A copy out of the monitor's own code must still work in a fault handler. */
	if (SIGNAL_BIT(signal) & FAULTS)
		sa.mask &= ~SIGNAL_BIT(SIGSEGV) & ~SIGNAL_BIT(SIGBUS);
	return sys(SYS_rt_sigaction, signal, &sa, 0, sizeof(sa.mask));
}

long signals_install(struct process *p, int signal)
{
	struct signal_action *a = &p->action[signal];

	if (SIGNAL_BIT(signal) & FAULTS)
		return 0;
	if (a->handler == (uint64_t)SIG_DFL || a->handler == (uint64_t)SIG_IGN) {
		p->handled &= ~SIGNAL_BIT(signal);
		return install(signal, (void *)a->handler, a->flags);
	}
	if (!p->leader) /* nothing comes, but the next image must not find it ignored */
		return install(signal, (void *)SIG_DFL, 0);
	p->handled |= SIGNAL_BIT(signal);
	return install(signal, (void *)catch_signal, a->flags & (SA_NOCLDSTOP | SA_NOCLDWAIT));
}

void signals_die(int signal)
{
	uint64_t only = ~SIGNAL_BIT(signal);
	struct process *p = thread_self()->process;

	robust_end(thread_self(), true);
	p->state->exit_status = signal;
	atomic_store(&p->state->phase, PHASE_EXITED);
	install(signal, (void *)SIG_DFL, 0);
	sys(SYS_tgkill, p->pid, sys(SYS_gettid), signal);
	sys(SYS_rt_sigprocmask, SIG_SETMASK, &only, 0, sizeof(only));
	sys(SYS_exit_group, 128 + signal);
	__builtin_unreachable();
}

void signals_thread_init(struct thread *t)
{
	uint8_t *block = (uint8_t *)t;
	stack_t ss = {.ss_sp = block + THREAD_SIGNAL_STACK, .ss_size = SIGNAL_STACK};

	sys(SYS_sigaltstack, &ss, 0);
	set_real_mask(signals_real_mask(t));
}

void signals_init(struct process *p)
{
	struct kernel_sigaction old;

	frame_init();
	find_library();
	for (int signal = 1; signal <= SIGNALS; signal++) {
		/* SIGSYS is the starter's in an image that it has started. */
		if (signal == SIGSYS ||
		    sys(SYS_rt_sigaction, signal, 0, &old, sizeof(old.mask)) < 0)
			continue;
		p->action[signal] =
			(struct signal_action){old.handler, old.flags, old.restorer, old.mask};
		signals_install(p, signal);
	}
	for (int i = 0; i < FAULT_SIGNALS; i++)
		install(fault_signals[i], (void *)catch_fault, 0);
	install(SIGSYS, (void *)trap_signal, SA_RESTART);
}
