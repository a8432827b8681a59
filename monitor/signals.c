/* SPDX-License-Identifier: MIT */
#include "signals.h"

#include <elf.h>
#include <errno.h>
#include <sys/syscall.h>

#include "interpose/trap.h"
#include "process.h"

#define SA_RESTORER 0x04000000

static void set_real_mask(uint64_t mask)
{
	sys(SYS_rt_sigprocmask, SIG_SETMASK, &mask, 0, sizeof(mask));
}

static uint64_t real_mask(const struct thread *t)
{
	return t->process->leader ? t->mask & ~FAULTS : ~FAULTS;
}

static bool deliverable(const struct thread *t, const struct pending_signal *s)
{
	return s->forced || !(t->mask & SIGNAL_BIT(s->info.si_signo));
}

static void count(struct thread *t)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->queued; i++)
		n += deliverable(t, &t->queue[i]);
	atomic_store_explicit(&t->pending, n, memory_order_relaxed);
}

uint64_t signals_block(void)
{
	uint64_t all = ~0ull, old = 0;

	sys(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, sizeof(all));
	return old;
}

void signals_unblock(uint64_t real)
{
	set_real_mask(real);
}

void signals_set_mask(struct thread *t, uint64_t mask)
{
	t->mask = mask & ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP));
	count(t);
	set_real_mask(real_mask(t));
}

static const struct pending_signal *first(const struct thread *t)
{
	for (uint32_t i = 0; i < t->queued; i++) {
		if (deliverable(t, &t->queue[i]))
			return &t->queue[i];
	}
	return NULL;
}

bool signals_restart(const struct thread *t)
{
	const struct pending_signal *s = first(t);

	return s && (t->process->action[s->info.si_signo].flags & SA_RESTART);
}

/* Takes the first deliverable signal. Signals are blocked meanwhile: the catcher queues. */
static bool take(struct thread *t, siginfo_t *info)
{
	uint64_t old = signals_block();
	struct pending_signal *s = (struct pending_signal *)first(t);
	bool found = s != NULL;

	if (found) {
		*info = s->info;
		t->queued--;
		memmove(s, s + 1, (size_t)((uint8_t *)&t->queue[t->queued] - (uint8_t *)s));
		count(t);
	}
	signals_unblock(old);
	return found;
}

static bool ignored_by_default(int signal)
{
	return signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH || signal == SIGCONT;
}

/* The handler's frame; from here on regs are those of its first instruction. */
static void deliver(struct thread *t, struct regs *regs, const siginfo_t *info, ucontext_t *fault)
{
	struct process *p = t->process;
	int signal = info->si_signo;
	struct signal_action action;

	if (signal < 1 || signal > SIGNALS)
		stop_garbage(t, "a signal that doesn't exist");
	action = p->action[signal];
	p->state->signals++;
	if (action.handler == (uint64_t)SIG_IGN ||
	    (action.handler == (uint64_t)SIG_DFL && ignored_by_default(signal)))
		return;
	if (action.handler == (uint64_t)SIG_DFL)
		signals_die(signal);
	if (frame_push(t, regs, info, &action, fault) < 0)
		signals_die(SIGSEGV);
	if (action.flags & SA_RESETHAND) {
		p->action[signal].handler = (uint64_t)SIG_DFL;
		signals_install(p, signal);
	}
	t->mask |= action.mask;
	if (!(action.flags & SA_NODEFER))
		t->mask |= SIGNAL_BIT(signal);
	signals_set_mask(t, t->mask);
}

/* One after the other, each on top of the one before, as the kernel does it. */
static void leader_deliver(struct thread *t, struct regs *regs)
{
	siginfo_t info;

	while (take(t, &info)) {
		struct signal_action *a = &t->process->action[info.si_signo];
		uint64_t after = t->mask | a->mask | SIGNAL_BIT(info.si_signo);
		unsigned more = 0;

		for (uint32_t i = 0; i < t->queued; i++) {
			uint64_t mask = a->flags & SA_NODEFER ? t->mask | a->mask : after;

			if (t->queue[i].forced ||
			    !(mask & SIGNAL_BIT(t->queue[i].info.si_signo)))
				more = RECORD_SIGNALLED;
		}
		leader_note(t, RECORD_SIGNAL, (uint8_t)more, info.si_signo, &info, sizeof(info),
			    false);
		deliver(t, regs, &info, NULL);
		if (!more)
			break;
	}
}

static void follower_deliver(struct thread *t, struct regs *regs)
{
	struct record header;
	siginfo_t info;

	do {
		follower_note(t, RECORD_SIGNAL, &header, &info, sizeof(info),
			      "the leader had a signal here");
		deliver(t, regs, &info, NULL);
	} while (header.flags & RECORD_SIGNALLED);
}

void signals_at_exit(struct thread *t, struct regs *regs)
{
	if (t->process->leader)
		leader_deliver(t, regs);
	else
		follower_deliver(t, regs);
}

void signals_before(struct call *c)
{
	struct thread *t = c->thread;

	if (!t->process->leader && !t->process->alone)
		lock_release(&t->process->order);
	regs_restart(c->regs, c->number);
	signals_at_exit(t, c->regs);
	regs_resume(c->regs);
}

void signals_taken(struct call *c, const siginfo_t *info, uint8_t flags)
{
	struct thread *t = c->thread;

	regs_set_result(c->regs, -EINTR);
	if (t->process->action[info->si_signo & 63].flags & SA_RESTART)
		regs_restart(c->regs, c->number);
	deliver(t, c->regs, info, NULL);
	if (flags & RECORD_SIGNALLED)
		follower_deliver(t, c->regs);
	regs_resume(c->regs);
}

static bool in(uintptr_t ip, const void *begin, const void *end)
{
	return ip >= (uintptr_t)begin && ip < (uintptr_t)end;
}

/* Handler of every signal that the program handles, and of faults sent by somebody. */
static void catch_signal(int signal, siginfo_t *info, void *context)
{
	struct thread *t = thread_self();
	ucontext_t *uc = context;
	uint64_t *mask = (uint64_t *)&uc->uc_sigmask;
	bool queued = false;

	if (!t->process->leader)
		return;
	/* A standard signal is pending once. */
	if (signal < 32) {
		for (uint32_t i = 0; i < t->queued; i++)
			queued |= t->queue[i].info.si_signo == signal;
	}
	if (!queued) {
		t->queue[t->queued].info = *info;
		t->queue[t->queued].forced = t->mask & SIGNAL_BIT(signal);
		t->queued++;
		count(t);
	}
	/* The kernel keeps what the queue has no room for. */
	if (t->queued == PENDING_MAX)
		*mask = ~FAULTS;
	if (in(context_ip(uc), (void *)gate.look, (void *)gate.enter))
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

static void regs_of(struct regs *r, const ucontext_t *uc)
{
	memset(r, 0, sizeof(*r));
	r->rip = context_ip(uc);
	r->rsp = (uint64_t)uc->uc_mcontext.gregs[REG_RSP];
	r->rbp = (uint64_t)uc->uc_mcontext.gregs[REG_RBP];
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
	regs_of(&regs, uc);
	t->regs = &regs;
	if (p->leader) {
		leader_note(t, RECORD_FAULT, 0, signal, NULL, 0, true);
	} else {
		const struct record *r = follower_next(t, &header);

		if (header.kind != RECORD_FAULT || header.result != signal)
			diverge(t, DIVERGENCE_CRASH, NULL, r,
				"this variant crashed, the leader didn't");
		follower_release(t, header.size);
	}
	if (action->handler == (uint64_t)SIG_DFL || action->handler == (uint64_t)SIG_IGN ||
	    (t->mask & SIGNAL_BIT(signal))) {
		p->state->exit_status = signal;
		signals_die(signal);
	}
	deliver(t, &regs, info, uc);
	/* frame_push has changed *uc: the kernel resumes in the handler, with the new mask. */
	*(uint64_t *)&uc->uc_sigmask = real_mask(t);
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
	if (!p->leader)
		return 0;
	if (a->handler == (uint64_t)SIG_DFL || a->handler == (uint64_t)SIG_IGN)
		return install(signal, (void *)a->handler, a->flags);
	return install(signal, (void *)catch_signal, a->flags & (SA_NOCLDSTOP | SA_NOCLDWAIT));
}

void signals_die(int signal)
{
	uint64_t only = ~SIGNAL_BIT(signal);
	struct process *p = thread_self()->process;

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
	set_real_mask(real_mask(t));
}

void signals_init(struct process *p)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
	struct kernel_sigaction old;

	frame_init();
	find_library();
	for (int signal = 1; signal <= SIGNALS; signal++) {
		if (sys(SYS_rt_sigaction, signal, 0, &old, sizeof(old.mask)) < 0)
			continue;
		p->action[signal] = (struct signal_action){old.handler, old.flags, old.restorer,
							   old.mask};
		signals_install(p, signal);
	}
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		install(faults[i], (void *)catch_fault, 0);
	install(SIGSYS, (void *)trap_signal, 0);
}
