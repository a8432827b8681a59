/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: epoll_ctl\(3, EPOLL_CTL_ADD, 4, EPOLLOUT\) */
/* The follower waits for other events. */
#include "check.h"
#include <sys/epoll.h>

int main(void)
{
	struct epoll_event ev = {.events = twin() ? EPOLLOUT : EPOLLIN, .data.ptr = &ev};
	int ep = epoll_create1(0), p[2];

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev), 0);
	return done();
}
