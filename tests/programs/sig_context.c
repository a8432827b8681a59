/* SPDX-License-Identifier: MIT */
/* What a handler finds in its context, and what it changes there. */
#include "check.h"

#include <dlfcn.h>
#include <ucontext.h>

static sigset_t seen;
static volatile uintptr_t pc, sp;

static void look(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	seen = uc->uc_sigmask;
#ifdef __x86_64__
	pc = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
	sp = (uintptr_t)uc->uc_mcontext.gregs[REG_RSP];
#else
	pc = uc->uc_mcontext.pc;
	sp = uc->uc_mcontext.sp;
#endif
	sigaddset(&uc->uc_sigmask, SIGHUP); /* blocked from the return on */
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = look, .sa_flags = SA_SIGINFO};
	sigset_t now, one;
	Dl_info where;
	int local;

	sigemptyset(&one);
	sigaddset(&one, SIGTERM);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &one, NULL), 0);
	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK(sigismember(&seen, SIGTERM));
	CHECK(!sigismember(&seen, SIGUSR1));
	CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &now), 0);
	CHECK(sigismember(&now, SIGHUP) && sigismember(&now, SIGTERM));
	CHECK(!sigismember(&now, SIGUSR1));
	CHECK(sp > (uintptr_t)&local - 65536 && sp < (uintptr_t)&local + 65536);
	CHECK(dladdr((void *)pc, &where)); /* in the program or a library of it */
	return done();
}
