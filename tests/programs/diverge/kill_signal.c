/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: kill\(.*, SIGUSR2\) */
/* Another signal is sent. */
#include "check.h"

int main(void)
{
	CHECK(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	CHECK(signal(SIGUSR2, SIG_IGN) != SIG_ERR);
	CHECK_EQ(kill(getpid(), twin() ? SIGUSR2 : SIGUSR1), 0);
	return done();
}
