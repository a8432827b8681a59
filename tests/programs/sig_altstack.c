/* SPDX-License-Identifier: MIT */
/* sigaltstack: a handler with SA_ONSTACK runs there, without it on the normal stack. */
#include "check.h"

static char stack[65536];
static volatile int on_stack;

static void handler(int sig)
{
	volatile char here = 0;
	uintptr_t at = (uintptr_t)&here;
	stack_t now;

	(void)sig;
	CHECK_EQ(sigaltstack(NULL, &now), 0);
	on_stack = at >= (uintptr_t)stack && at < (uintptr_t)stack + sizeof(stack);
	CHECK_EQ(now.ss_flags & SS_ONSTACK, on_stack ? SS_ONSTACK : 0);
	if (on_stack)
		CHECK_ERR(sigaltstack(&now, NULL), EPERM);
	CHECK_EQ(write(1, "handled\n", 8), 8);
}

int main(void)
{
	struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)}, old;

	CHECK_EQ(sigaltstack(&ss, &old), 0);
	CHECK(old.ss_flags & SS_DISABLE);
	CHECK_EQ(sigaltstack(NULL, &old), 0);
	CHECK(old.ss_sp == stack && old.ss_size == sizeof(stack));
	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	sa.sa_flags = 0;
	CHECK_EQ(sigaction(SIGUSR2, &sa, NULL), 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(on_stack, 1);
	CHECK_EQ(raise(SIGUSR2), 0);
	CHECK_EQ(on_stack, 0);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(on_stack, 1);
	ss.ss_flags = SS_DISABLE;
	CHECK_EQ(sigaltstack(&ss, NULL), 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(on_stack, 0);
	return done();
}
