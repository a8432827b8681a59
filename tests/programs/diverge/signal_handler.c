/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: rt_sigaction\(SIGUSR1, \{SIG_IGN */
/* The follower ignores a signal that the leader handles. */
#include "check.h"

static void handler(int sig)
{
	(void)sig;
}

int main(void)
{
	CHECK(signal(SIGUSR1, twin() ? SIG_IGN : handler) != SIG_ERR);
	CHECK_EQ(write(1, "two\n", 4), 4);
	return done();
}
