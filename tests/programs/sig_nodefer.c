/* SPDX-License-Identifier: MIT */
/* SA_NODEFER lets a handler interrupt itself; without it the signal waits for the return. */
#include "check.h"

static char trace[64];
static volatile int depth;

static void again(int sig)
{
	strcat(trace, "<");
	if (depth++ < 3)
		CHECK_EQ(raise(sig), 0);
	strcat(trace, ">");
}

int main(void)
{
	struct sigaction sa = {.sa_handler = again, .sa_flags = SA_NODEFER};

	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK(strcmp(trace, "<<<<>>>>") == 0);
	trace[0] = 0;
	depth = 0;
	sa.sa_flags = 0;
	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK(strcmp(trace, "<><><><>") == 0);
	puts(trace);
	return done();
}
