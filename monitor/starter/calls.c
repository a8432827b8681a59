/* SPDX-License-Identifier: MIT */
/*
 * The loader and the constructors of libraries run before the monitor takes
 * over; nothing of what they call is compared. Each of their calls traps, and is made
 * here in its place, on the program's stack.
 */
#include "calls.h"

#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

#include "arch.h"
#include "starter.h"

#define SA_RESTORER 0x04000000
#define MASK_BYTES 8

struct kernel_sigaction {
	uint64_t handler, flags, restorer, mask;
};

void starter_die(const char *why)
{
	static const char who[] = "tandem: exec under the seccomp trap: ";
	size_t n = 0;

	while (why[n])
		n++;
	sys(SYS_write, 2, who, sizeof(who) - 1);
	sys(SYS_write, 2, why, n);
	sys(SYS_write, 2, "\n", 1);
	sys(SYS_kill, sys(SYS_getpid), SIGKILL);
	for (;;)
		;
}

/* A child with memory of its own may return through the handler; others would share its frame. */
static long make_child(uint64_t flags, const uint64_t args[6])
{
	if (flags & CLONE_VFORK && !args[1])
		flags &= ~(uint64_t)(CLONE_VFORK | CLONE_VM);
	if (flags & CLONE_VM)
		starter_die("a library starts a thread or a program before main; "
			    "that isn't supported");
	return sys(SYS_clone, flags, 0, args[2], args[3], args[4]);
}

static const char *program_path;
static size_t program_length;

/* Loaders look for $ORIGIN so. */
static long read_link(const uint64_t args[6])
{
	static const char starter[] = STARTER_EXE;
	long n = sys(SYS_readlinkat, args[0], args[1], args[2], args[3]);
	char *to = (char *)args[2];

	if (n != (long)(args[3] < sizeof(starter) - 1 ? args[3] : sizeof(starter) - 1))
		return n;
	for (long i = 0; i < n; i++) {
		if (to[i] != starter[i])
			return n;
	}
	for (n = 0; n < (long)args[3] && n < (long)program_length; n++)
		to[n] = program_path[n];
	return n;
}

static long pass(long number, uint64_t args[6], ucontext_t *uc)
{
	uint64_t *mask = (uint64_t *)&uc->uc_sigmask;
	long result;

	switch (number) {
	case SYS_rt_sigreturn:
		gate_code_sigreturn((void *)context_sp(uc));
	case SYS_rt_sigprocmask:
		/* The kernel takes the mask, and the stack below, from the frame of this handler.
		 */
		result = sys(number, args[0], args[1], args[2], args[3]);
		sys(number, SIG_BLOCK, 0, mask, MASK_BYTES);
		*mask &= ~(1ull << (SIGSYS - 1));
		return result;
	case SYS_sigaltstack:
		result = sys(number, args[0], args[1]);
		sys(number, 0, &uc->uc_stack);
		return result;
	case SYS_rt_sigaction:
		return sys(number, args[0], args[0] == SIGSYS ? 0 : args[1], args[2], args[3]);
	case SYS_readlinkat:
		return read_link(args);
	case SYS_clone:
		return make_child(args[0], args);
	case SYS_clone3:
		return -38; /* ENOSYS: libc takes clone then */
	case SYS_execve:
	case SYS_execveat:
		starter_die("a library executes a program before main; "
			    "that isn't supported");
	default:
		return sys(number, args[0], args[1], args[2], args[3], args[4], args[5]);
	}
}

static void trapped(int signal, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	uint64_t args[6];

	(void)signal;
	context_args(uc, args);
	context_set_result(uc, pass(call_without_old(info->si_syscall, args), args, uc));
}

void pass_calls(const char *program, size_t length)
{
	struct kernel_sigaction sa = {(uint64_t)trapped, SA_SIGINFO | SA_NODEFER | SA_RESTORER,
				      (uint64_t)gate_code_restorer, 0};

	const uint64_t sigsys = 1ull << (SIGSYS - 1);

	program_path = program;
	program_length = length;
	/* The old image's monitor has blocked all; the new one's knows the program's mask. */
	if (sys(SYS_rt_sigaction, SIGSYS, &sa, 0, MASK_BYTES) < 0 ||
	    sys(SYS_rt_sigprocmask, SIG_UNBLOCK, &sigsys, 0, MASK_BYTES) < 0)
		starter_die("SIGSYS can't be handled");
}
