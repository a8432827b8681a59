/* SPDX-License-Identifier: MIT */
/* What would set the machine's clocks and names: questions, and what the kernel refuses. */
#include "check.h"
#include <sys/timex.h>
#include <sys/time.h>
#include <sys/utsname.h>

int main(void)
{
	struct timex t, other = {0};
	struct timespec wrong = {0, -1};
	struct timeval never = {0, -1};
	struct utsname before, after;
	char name[65] = "too long";

	memset(&t, (int)((uintptr_t)&t >> 8), sizeof(t));
	t.modes = 0;
	CHECK(adjtimex(&t) >= 0);
	CHECK(t.tick > 0);
	CHECK(clock_adjtime(CLOCK_REALTIME, &other) >= 0);
	CHECK_EQ(other.tick, t.tick);
	disclose(&other.time, sizeof(other.time));
	CHECK_ERR(clock_adjtime(12345, &other), EINVAL);
	CHECK_ERR(clock_settime(CLOCK_MONOTONIC, &wrong), EINVAL);
	CHECK_ERR(clock_settime(CLOCK_REALTIME, &wrong), EINVAL);
	CHECK_ERR(settimeofday(&never, NULL), EINVAL);
	CHECK_EQ(uname(&before), 0);
	CHECK(sethostname(name, sizeof(name)) < 0 && (errno == EINVAL || errno == EPERM));
	CHECK(setdomainname(name, sizeof(name)) < 0 && (errno == EINVAL || errno == EPERM));
	CHECK_EQ(uname(&after), 0);
	CHECK(memcmp(&before, &after, sizeof(before)) == 0);
	return done();
}
