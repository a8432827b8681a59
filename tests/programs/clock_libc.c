/* SPDX-License-Identifier: MIT */
/* The clocks by libc: monotonic ones don't go back, others agree with each other. */
#include "check.h"
#include <sys/time.h>

static int64_t ns(clockid_t id)
{
	struct timespec ts;

	CHECK_EQ(clock_gettime(id, &ts), 0);
	CHECK(ts.tv_nsec >= 0 && ts.tv_nsec < 1000000000);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int main(void)
{
	static const clockid_t ids[] = {CLOCK_MONOTONIC,          CLOCK_MONOTONIC_RAW,
					CLOCK_MONOTONIC_COARSE,   CLOCK_BOOTTIME,
					CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
	struct timespec res;
	struct timeval tv;
	int64_t last, now;
	time_t t;
	size_t i;
	int n;

	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		for (n = 0, last = 0; n < 200; n++, last = now) {
			now = ns(ids[i]);
			CHECK(now >= last);
		}
		disclose(&last, sizeof(last));
		CHECK_EQ(clock_getres(ids[i], &res), 0);
		CHECK(res.tv_sec == 0 && res.tv_nsec > 0);
	}
	t = time(NULL);
	CHECK_EQ(gettimeofday(&tv, NULL), 0);
	now = ns(CLOCK_REALTIME);
	CHECK(tv.tv_sec >= t && tv.tv_sec <= t + 2);
	CHECK(now / 1000000000 >= t && now / 1000000000 <= t + 2);
	CHECK(t > 1600000000);
	disclose(&tv, sizeof(tv));
	disclose(&now, sizeof(now));
	last = ns(CLOCK_MONOTONIC);
	pause_ms(10);
	CHECK(ns(CLOCK_MONOTONIC) - last >= 10000000);
	CHECK_ERR(clock_gettime(9999, &res), EINVAL);
	return done();
}
