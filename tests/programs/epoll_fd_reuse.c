/* SPDX-License-Identifier: MIT */
/* A closed descriptor leaves epoll by itself; its number comes back with other data. */
#include "check.h"
#include <sys/epoll.h>

int main(void)
{
	static int data[10];
	struct epoll_event ev = {.events = EPOLLIN}, out[4];
	int ep = epoll_create1(0), p[2], first = -1, i;

	for (i = 0; i < 10; i++) {
		CHECK_EQ(pipe(p), 0);
		if (first < 0)
			first = p[0];
		CHECK_EQ(p[0], first);
		ev.data.ptr = &data[i];
		CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev), 0);
		CHECK_EQ(epoll_wait(ep, out, 4, 0), 0);
		CHECK_EQ(write(p[1], "x", 1), 1);
		CHECK_EQ(epoll_wait(ep, out, 4, 0), 1);
		CHECK_EQ((int *)out[0].data.ptr - data, i);
		CHECK_EQ(close(p[0]), 0);
		CHECK_EQ(epoll_wait(ep, out, 4, 0), 0);
		CHECK_EQ(close(p[1]), 0);
	}
	return done();
}
