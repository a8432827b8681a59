/* SPDX-License-Identifier: MIT */
/* expect: divergence another call: .*: the leader looks at a clock where .*: clock_gettime */
/* The follower looks at another clock. */
#include "check.h"
#include <time.h>

int main(void)
{
	struct timespec ts;

	CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
	CHECK_EQ(clock_gettime(twin() ? CLOCK_REALTIME : CLOCK_MONOTONIC, &ts), 0);
	CHECK_EQ(write(1, "one\n", 4), 4);
	return done();
}
