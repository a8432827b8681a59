/* SPDX-License-Identifier: MIT */
/* EPOLLONESHOT reports once until it is armed again; EPOLLEXCLUSIVE can't be modified. */
#include "check.h"
#include <sys/epoll.h>

int main(void)
{
	static int a, b;
	struct epoll_event ev = {.events = EPOLLIN | EPOLLONESHOT, .data.ptr = &a}, out[4];
	int ep = epoll_create1(0), other = epoll_create1(0), p[2];

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev), 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(epoll_wait(ep, out, 4, 0), 1);
	CHECK(out[0].data.ptr == &a);
	CHECK_EQ(epoll_wait(ep, out, 4, 0), 0);
	ev.data.ptr = &b;
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev), 0);
	CHECK_EQ(epoll_wait(ep, out, 4, 0), 1);
	CHECK(out[0].data.ptr == &b);
	CHECK_EQ(epoll_wait(ep, out, 4, 0), 0);

	ev = (struct epoll_event){.events = EPOLLIN | EPOLLEXCLUSIVE, .data.u64 = 7};
	CHECK_EQ(epoll_ctl(other, EPOLL_CTL_ADD, p[0], &ev), 0);
	CHECK_EQ(epoll_wait(other, out, 4, 0), 1);
	CHECK_EQ(out[0].data.u64, 7);
	CHECK_ERR(epoll_ctl(other, EPOLL_CTL_MOD, p[0], &ev), EINVAL);
	CHECK_EQ(epoll_wait(other, out, 4, 0), 1);
	CHECK_EQ(out[0].data.u64, 7);

	/* An epoll descriptor inside another one. */
	ev = (struct epoll_event){.events = EPOLLIN, .data.u64 = 8};
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, other, &ev), 0);
	CHECK_EQ(epoll_wait(ep, out, 4, 0), 1);
	CHECK_EQ(out[0].data.u64, 8);
	return done();
}
