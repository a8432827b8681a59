/* SPDX-License-Identifier: MIT */
/* ppoll opens the signal mask only while it waits; the remaining set is restored. */
#include "check.h"
#include <poll.h>

static volatile sig_atomic_t hits;

static void handler(int sig)
{
	(void)sig;
	hits++;
}

int main(void)
{
	struct sigaction sa = {.sa_handler = handler};
	struct timespec limit = {5, 0}, none = {0, 0};
	struct pollfd f = {.events = POLLIN};
	sigset_t block, old, now;
	int p[2];

	CHECK_EQ(pipe(p), 0);
	f.fd = p[0];
	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &block, &old), 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(hits, 0);
	CHECK_EQ(ppoll(&f, 1, &none, NULL), 0);
	CHECK_EQ(hits, 0);
	CHECK_ERR(ppoll(&f, 1, &limit, &old), EINTR);
	CHECK_EQ(hits, 1);
	CHECK_EQ(limit.tv_sec, 5);
	CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &now), 0);
	CHECK_EQ(sigismember(&now, SIGUSR1), 1);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(ppoll(&f, 1, NULL, &old), 1);
	CHECK_EQ(hits, 1);
	return done();
}
