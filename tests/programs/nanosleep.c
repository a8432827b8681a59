/* SPDX-License-Identifier: MIT */
/* nanosleep, clock_nanosleep by length and until a time, usleep; bad arguments. */
#include "check.h"

static int64_t now(void)
{
	struct timespec ts;

	CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int main(void)
{
	struct timespec ts = {0, 10000000}, bad = {0, 1000000000};
	int64_t start = now();

	CHECK_EQ(nanosleep(&ts, NULL), 0);
	CHECK(now() - start >= 10000000);
	start = now();
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL), 0);
	CHECK(now() - start >= 10000000);
	start = now() + 15000000;
	ts = (struct timespec){start / 1000000000, start % 1000000000};
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL), 0);
	CHECK(now() >= start);
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL), 0); /* over */
	CHECK_EQ(usleep(2000), 0);
	CHECK_ERR(nanosleep(&bad, NULL), EINVAL);
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &bad, NULL), EINVAL);
	CHECK_EQ(clock_nanosleep(9999, 0, &ts, NULL), EINVAL);
	return done();
}
