/* SPDX-License-Identifier: MIT */
/* expect: divergence another call: .*: clock_gettime\(.* leader made write */
/* The follower looks at the clock where the leader makes a call. */
#include "check.h"
#include <time.h>

int main(void)
{
	struct timespec ts;

	CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
	if (twin())
		CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
	CHECK_EQ(write(1, "one\n", 4), 4);
	return done();
}
