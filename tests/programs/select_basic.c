/* SPDX-License-Identifier: MIT */
/* select and pselect: sets, the time limit, EBADF, a signal let in by pselect's mask. */
#include "check.h"
#include <sys/select.h>

static volatile sig_atomic_t hits;

static void handler(int sig)
{
	(void)sig;
	hits++;
}

int main(void)
{
	struct sigaction sa = {.sa_handler = handler};
	struct timeval tv = {0, 10000};
	sigset_t block, old;
	fd_set r, w;
	int p[2];

	CHECK_EQ(pipe(p), 0);
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	CHECK_EQ(select(p[1] + 1, &r, &w, NULL, NULL), 1);
	CHECK(!FD_ISSET(p[0], &r) && FD_ISSET(p[1], &w));
	FD_SET(p[0], &r);
	CHECK_EQ(select(p[0] + 1, &r, NULL, NULL, &tv), 0);
	CHECK(!FD_ISSET(p[0], &r));
	CHECK_EQ(tv.tv_usec, 0); /* Linux leaves the time that was not slept */
	CHECK_EQ(write(p[1], "x", 1), 1);
	FD_SET(p[0], &r);
	CHECK_EQ(select(p[0] + 1, &r, NULL, NULL, NULL), 1);
	CHECK(FD_ISSET(p[0], &r));
	FD_ZERO(&r);
	FD_SET(40, &r); /* closed, but within the table */
	CHECK_ERR(select(41, &r, NULL, NULL, NULL), EBADF);

	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &block, &old), 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_ERR(pselect(0, NULL, NULL, NULL, NULL, &old), EINTR);
	CHECK_EQ(hits, 1);
	return done();
}
