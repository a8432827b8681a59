/* SPDX-License-Identifier: MIT */
/* Real-time signals: all arrive, by number and then in the order sent, with their values. */
#include "check.h"

#define COUNT 60

static volatile int seen[3 * COUNT], values[3 * COUNT], n;

static void note(int sig, siginfo_t *info, void *context)
{
	(void)context;
	CHECK_EQ(info->si_code, SI_QUEUE);
	CHECK_EQ(info->si_pid, getpid());
	seen[n] = sig;
	values[n++] = info->si_value.sival_int;
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
	sigset_t all, old;
	int i, k;

	sigfillset(&sa.sa_mask); /* one handler at a time */
	sigfillset(&all);
	for (k = 0; k < 3; k++)
		CHECK_EQ(sigaction(SIGRTMIN + k, &sa, NULL), 0);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &all, &old), 0);
	for (i = 0; i < COUNT; i++) {
		for (k = 2; k >= 0; k--)
			CHECK_EQ(sigqueue(getpid(), SIGRTMIN + k, (union sigval){.sival_int = i}),
				 0);
	}
	CHECK_EQ(n, 0);
	CHECK_EQ(sigprocmask(SIG_SETMASK, &old, NULL), 0);
	CHECK_EQ(n, 3 * COUNT);
	for (i = 0; i < n; i++) {
		CHECK_EQ(seen[i], SIGRTMIN + i / COUNT);
		CHECK_EQ(values[i], i % COUNT);
	}

	/* Unblocked: each is handled before sigqueue() returns. */
	for (i = 0; i < COUNT; i++) {
		CHECK_EQ(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = -i}), 0);
		CHECK_EQ(n, 3 * COUNT + 1);
		CHECK_EQ(values[--n], -i);
	}
	return done();
}
