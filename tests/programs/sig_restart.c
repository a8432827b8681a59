/* SPDX-License-Identifier: MIT */
/* A blocking read of a pipe goes on after a handler with SA_RESTART, and ends by EINTR without. */
#include "check.h"
#include <sys/time.h>

static int p[2], hits;

static void feed(int sig)
{
	(void)sig;
	if (++hits == 2)
		CHECK_EQ(write(p[1], "fed", 3), 3);
}

static void nothing(int sig)
{
	(void)sig;
}

int main(void)
{
	/* An interval, so that a tick before the read has begun does no harm. */
	struct itimerval tick = {{0, 10000}, {0, 10000}}, off = {{0, 0}, {0, 0}};
	struct sigaction sa = {.sa_handler = feed, .sa_flags = SA_RESTART};
	char buf[8];
	int i;

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(sigaction(SIGALRM, &sa, NULL), 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &tick, NULL), 0);
	CHECK_EQ(read(p[0], buf, sizeof(buf)), 3);
	CHECK(memcmp(buf, "fed", 3) == 0);
	CHECK(hits >= 2);
	sa.sa_handler = nothing;
	sa.sa_flags = 0;
	CHECK_EQ(sigaction(SIGALRM, &sa, NULL), 0);
	for (i = 0; i < 3; i++)
		CHECK_ERR(read(p[0], buf, sizeof(buf)), EINTR);
	CHECK_EQ(setitimer(ITIMER_REAL, &off, NULL), 0);
	return done();
}
