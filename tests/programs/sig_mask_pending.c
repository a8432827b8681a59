/* SPDX-License-Identifier: MIT */
/* sigprocmask, sigpending: blocked signals wait, standard ones once, real-time ones queue. */
#include "check.h"

static volatile sig_atomic_t usr, rt;
static volatile int order[8];

static void handler(int sig)
{
	if (sig == SIGUSR1)
		usr++;
	else
		order[rt++ % 8] = sig - SIGRTMIN;
}

int main(void)
{
	struct sigaction sa = {.sa_handler = handler};
	union sigval v = {.sival_int = 0};
	sigset_t set, old, pending;

	sigemptyset(&set);
	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 1);
	sigaddset(&set, SIGRTMIN + 2);
	sa.sa_mask = set; /* the real-time handlers don't nest */
	CHECK_EQ(sigaction(SIGRTMIN + 1, &sa, NULL), 0);
	CHECK_EQ(sigaction(SIGRTMIN + 2, &sa, NULL), 0);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, &old), 0);
	CHECK_EQ(sigismember(&old, SIGUSR1), 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(sigqueue(getpid(), SIGRTMIN + 2, v), 0);
	CHECK_EQ(sigqueue(getpid(), SIGRTMIN + 1, v), 0);
	CHECK_EQ(sigqueue(getpid(), SIGRTMIN + 1, v), 0);
	CHECK_EQ(sigpending(&pending), 0);
	CHECK_EQ(sigismember(&pending, SIGUSR1), 1);
	CHECK_EQ(sigismember(&pending, SIGRTMIN + 1), 1);
	CHECK_EQ(sigismember(&pending, SIGUSR2), 0);
	CHECK(usr == 0 && rt == 0);
	CHECK_EQ(sigprocmask(SIG_SETMASK, &old, NULL), 0);
	CHECK_EQ(usr, 1);
	CHECK_EQ(rt, 3);
	CHECK_EQ(sigpending(&pending), 0);
	CHECK_EQ(sigismember(&pending, SIGUSR1), 0);
	/* An ignored signal is dropped, also a pending one. */
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	CHECK_EQ(sigpending(&pending), 0);
	CHECK_EQ(sigismember(&pending, SIGUSR1), 0);
	CHECK_ERR(sigprocmask(99, &set, NULL), EINVAL);
	return done();
}
