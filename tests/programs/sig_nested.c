/* SPDX-License-Identifier: MIT */
/* Nested handlers: another signal within a handler, SA_NODEFER for the same one, sa_mask. */
#include "check.h"

static char trace[64];
static int depth;

static void note(char c)
{
	size_t n = strlen(trace);

	CHECK(n + 1 < sizeof(trace));
	trace[n] = c;
}

static void outer(int sig)
{
	(void)sig;
	note('<');
	CHECK_EQ(raise(SIGUSR2), 0);
	note('>');
}

static void inner(int sig)
{
	(void)sig;
	note('i');
}

static void again(int sig)
{
	note('a' + depth);
	if (++depth < 4)
		CHECK_EQ(raise(sig), 0);
	note('z');
}

int main(void)
{
	struct sigaction sa = {.sa_handler = outer};

	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	sa.sa_handler = inner;
	CHECK_EQ(sigaction(SIGUSR2, &sa, NULL), 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK(strcmp(trace, "<i>") == 0);

	memset(trace, 0, sizeof(trace));
	sa.sa_handler = outer;
	sigaddset(&sa.sa_mask, SIGUSR2); /* now the inner one must wait */
	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK(strcmp(trace, "<>i") == 0);

	memset(trace, 0, sizeof(trace));
	sigemptyset(&sa.sa_mask);
	sa.sa_handler = again;
	sa.sa_flags = SA_NODEFER;
	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK(strcmp(trace, "abcdzzzz") == 0);

	memset(trace, 0, sizeof(trace));
	depth = 0;
	sa.sa_flags = 0;
	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK(strcmp(trace, "azbzczdz") == 0);
	puts(trace);
	return done();
}
