/* SPDX-License-Identifier: MIT */
/* poll: ready, not ready, hung up, invalid and ignored descriptors, the time limit. */
#include "check.h"
#include <poll.h>

int main(void)
{
	int p[2], q[2];
	struct pollfd f[4];
	struct timespec a, b;

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(pipe(q), 0);
	f[0] = (struct pollfd){.fd = p[0], .events = POLLIN};
	f[1] = (struct pollfd){.fd = p[1], .events = POLLOUT};
	f[2] = (struct pollfd){.fd = -1, .events = POLLIN, .revents = 9};
	f[3] = (struct pollfd){.fd = 1000, .events = POLLIN};
	CHECK_EQ(poll(f, 4, 100), 2);
	CHECK_EQ(f[0].revents, 0);
	CHECK_EQ(f[1].revents, POLLOUT);
	CHECK_EQ(f[2].revents, 0);
	CHECK_EQ(f[3].revents, POLLNVAL);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(close(q[1]), 0);
	f[1] = (struct pollfd){.fd = q[0], .events = POLLIN};
	CHECK_EQ(poll(f, 2, -1), 2);
	CHECK_EQ(f[0].revents, POLLIN);
	CHECK_EQ(f[1].revents, POLLHUP);
	CHECK_EQ(close(p[0]), 0);
	f[0] = (struct pollfd){.fd = p[1], .events = POLLOUT};
	CHECK_EQ(poll(f, 1, 0), 1);
	CHECK_EQ(f[0].revents, POLLOUT | POLLERR);
	CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &a), 0);
	CHECK_EQ(poll(NULL, 0, 15), 0);
	CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &b), 0);
	CHECK((b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec >= 15000000);
	return done();
}
