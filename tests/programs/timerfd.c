/* SPDX-License-Identifier: MIT */
/* timerfd: a single shot, an interval, what is left, an absolute time, with poll. */
#include "check.h"
#include <poll.h>
#include <sys/timerfd.h>

int main(void)
{
	struct itimerspec it = {.it_value = {0, 10000000}}, left;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t n = 0;

	CHECK(fd >= 0);
	CHECK_ERR(read(fd, &n, 8), EAGAIN);
	CHECK_EQ(timerfd_settime(fd, 0, &it, NULL), 0);
	CHECK_EQ(poll(&p, 1, 2000), 1);
	CHECK_EQ(read(fd, &n, 8), 8);
	CHECK_EQ(n, 1);
	CHECK_EQ(timerfd_gettime(fd, &left), 0);
	CHECK(left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0);
	it.it_interval.tv_nsec = 5000000;
	CHECK_EQ(timerfd_settime(fd, 0, &it, NULL), 0);
	CHECK_EQ(poll(&p, 1, 2000), 1);
	pause_ms(12);
	CHECK_EQ(read(fd, &n, 8), 8);
	CHECK(n >= 3);
	it = (struct itimerspec){.it_value = {1000, 0}};
	CHECK_EQ(timerfd_settime(fd, 0, &it, &left), 0);
	CHECK_EQ(left.it_interval.tv_nsec, 5000000);
	CHECK_EQ(timerfd_gettime(fd, &left), 0);
	CHECK(left.it_value.tv_sec >= 990 && left.it_value.tv_sec <= 1000);
	CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &it.it_value), 0);
	CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &it, NULL), 0); /* already over */
	CHECK_EQ(poll(&p, 1, 2000), 1);
	CHECK_EQ(read(fd, &n, 8), 8);
	CHECK_EQ(n, 1);
	return done();
}
