/* SPDX-License-Identifier: MIT */
/* The clock by syscall(2) without the vDSO, in step with libc's; times, getcpu. */
#include "check.h"
#include <sched.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>

int main(void)
{
	struct timespec a, b, c;
	struct timeval tv;
	struct tms tms;
	unsigned cpu = ~0u, node = ~0u;
	int i;

	for (i = 0; i < 100; i++) {
		CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &a), 0);
		CHECK_EQ(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &b), 0);
		CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &c), 0);
		CHECK(b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec));
		CHECK(c.tv_sec > b.tv_sec || (c.tv_sec == b.tv_sec && c.tv_nsec >= b.tv_nsec));
	}
	disclose(&b, sizeof(b));
	CHECK_EQ(syscall(SYS_gettimeofday, &tv, NULL), 0);
	disclose(&tv, sizeof(tv));
#ifdef SYS_time
	time_t t = 0, ret = syscall(SYS_time, &t);

	CHECK(ret == t && t >= tv.tv_sec && t <= tv.tv_sec + 2);
#endif
	CHECK_EQ(getcpu(&cpu, &node), 0);
	CHECK(cpu < 4096);
	disclose(&cpu, sizeof(cpu));
	CHECK_EQ(syscall(SYS_getcpu, &cpu, &node, NULL), 0);
	disclose(&cpu, sizeof(cpu));
	CHECK(sched_getcpu() >= 0);
	CHECK(times(&tms) != (clock_t)-1);
	CHECK(tms.tms_utime >= 0 && tms.tms_cutime == 0);
	disclose(&tms, sizeof(tms));
	CHECK(clock() != (clock_t)-1);
	return done();
}
