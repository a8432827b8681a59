/* SPDX-License-Identifier: MIT */
/* time: 4 */
/*
 * 10,000 descriptors, all of them in one epoll, and closed by loops and ranges. Between busy hosts
 * 21,000 calls may be as many round trips.
 */
#include "check.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#define COUNT 10000

int main(void)
{
	struct rlimit lim;
	struct epoll_event event, out[64];
	static char seen[COUNT + 64];
	int ep, total = 0, n;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &lim), 0);
	if (lim.rlim_max < COUNT + 64)
		SKIP("the hard limit of descriptors is too low");
	lim.rlim_cur = COUNT + 64;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &lim), 0);
	closefrom(3);
	ep = epoll_create1(0);
	CHECK_EQ(ep, 3);
	for (int i = 4; i < COUNT + 4; i++) {
		CHECK_EQ(eventfd(i % 100 == 0, EFD_NONBLOCK), i);
		event = (struct epoll_event){.events = EPOLLIN | EPOLLET, .data.ptr = &seen[i]};
		CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, i, &event), 0);
	}
	while ((n = epoll_wait(ep, out, 64, 0)) > 0) {
		for (int i = 0; i < n; i++) {
			int fd = (int)((char *)out[i].data.ptr - seen);

			CHECK_EQ(fd % 100, 0);
			CHECK_EQ(seen[fd]++, 0);
			total++;
		}
	}
	CHECK_EQ(total, COUNT / 100);
	CHECK_EQ(close_range(5000, 7999, 0), 0);
	CHECK_ERR(fcntl(5000, F_GETFD), EBADF);
	CHECK_EQ(fcntl(8000, F_GETFD), 0);
	CHECK_EQ(eventfd(0, 0), 5000);
	for (int i = 3; i < 1000; i++)
		close(i);
	CHECK_EQ(open("/dev/null", O_RDONLY), 3);
	CHECK_ERR(fcntl(999, F_GETFD), EBADF);
	CHECK_EQ(close_range(3, ~0u, 0), 0);
	CHECK_EQ(dup2(1, COUNT + 63), COUNT + 63);
	CHECK_ERR(dup2(1, COUNT + 64), EBADF);
	for (int i = 1000; i < 1064; i++)
		CHECK_EQ(dup2(1, i), i);
	return done();
}
