/* SPDX-License-Identifier: MIT */
#include "trap.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "../call.h"
#include "../tick.h"
#include "patch.h"

#ifndef SYS_USER_DISPATCH
#define SYS_USER_DISPATCH 2
#endif
#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif

static unsigned trap_backend;

static int sud(void)
{
	return (int)sys(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, gate.begin,
			gate.end - gate.begin, 0);
}

/* Is the instruction pointer within the gate? Its upper half is one value for the page. */
static int seccomp(void)
{
	uint32_t high = (uint32_t)((uint64_t)gate.begin >> 32);
	uint32_t low = (uint32_t)gate.begin, end = (uint32_t)gate.end;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, instruction_pointer) + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, high, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, instruction_pointer)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, low, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, end, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};
	long error = sys(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);

	if (error < 0)
		return (int)error;
	return (int)sys(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
			&program);
}

int trap_init(unsigned backend, bool executed)
{
	trap_backend = backend;
	switch (backend) {
	case TRAP_SUD:
		return sud();
	case TRAP_SECCOMP:
		return executed ? 0 : seccomp();
	default:
		return -EINVAL;
	}
}

int trap_thread(void)
{
	return trap_backend == TRAP_SUD ? sud() : 0; /* a seccomp filter is inherited */
}

void trap_signal(int signal, siginfo_t *info, void *context)
{
	struct thread *t = thread_self();
	ucontext_t *uc = context;
	struct patch_stats stats;
	long number = info->si_syscall;
	uintptr_t head;

	(void)signal;
	if (info->si_code == SI_TIMER)
		tick(uc);
	if (info->si_code != SYS_USER_DISPATCH && info->si_code != SYS_SECCOMP)
		return;
	/* Compared as any other; like that of an exit, its site stays as it is. */
	if (info->si_arch != ARCH_AUDIT) {
		context_set_number(uc, info->si_syscall | NUMBER_FOREIGN);
		number = SYS_exit;
	}
	t->process->state->traps++;
	atomic_store(&t->trapped, true);
	head = site_stub(context_ip(uc) - SYSCALL_BYTES, number,
			 t->process->alone && !t->process->crowded);
	if (!head)
		stop_internal("no memory for a stub near the program's code", -ENOMEM);
	atomic_store(&t->trapped, false);
	context_set_ip(uc, head);
	patch_stats(&stats);
	t->process->state->patched = stats.patched;
	t->process->state->trapping = stats.trapping;
}
