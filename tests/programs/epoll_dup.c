/* SPDX-License-Identifier: MIT */
/* A dup'ed descriptor has an entry of its own, which outlives the close of the original. */
#include "check.h"
#include <sys/epoll.h>

int main(void)
{
	static int orig, copy, again;
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &orig}, out[4];
	int ep = epoll_create1(0), p[2], q[2], d, n;

	CHECK_EQ(pipe(p), 0);
	d = dup(p[0]);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev), 0);
	ev.data.ptr = &copy;
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, d, &ev), 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	n = epoll_wait(ep, out, 4, 0);
	CHECK_EQ(n, 2);
	CHECK((out[0].data.ptr == &orig && out[1].data.ptr == &copy) ||
	      (out[0].data.ptr == &copy && out[1].data.ptr == &orig));

	/* The original's entry stays while the description lives, also when another pipe
	 * takes over its number. */
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_DEL, d, NULL), 0);
	CHECK_EQ(close(p[0]), 0);
	CHECK_EQ(epoll_wait(ep, out, 4, 0), 1);
	CHECK(out[0].data.ptr == &orig);
	CHECK_EQ(pipe(q), 0);
	CHECK_EQ(q[0], p[0]);
	ev.data.ptr = &again;
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, q[0], &ev), 0);
	CHECK_EQ(epoll_wait(ep, out, 4, 0), 1);
	CHECK(out[0].data.ptr == &orig);
	CHECK_EQ(close(d), 0);
	CHECK_EQ(epoll_wait(ep, out, 4, 0), 0);
	CHECK_EQ(write(q[1], "y", 1), 1);
	CHECK_EQ(epoll_wait(ep, out, 4, 0), 1);
	CHECK(out[0].data.ptr == &again);
	return done();
}
