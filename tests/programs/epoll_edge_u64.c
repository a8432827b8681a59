/* SPDX-License-Identifier: MIT */
/* Edge-triggered epoll with 64 bits of data: one event for each arrival, all bits kept. */
#include "check.h"
#include <sys/epoll.h>
#include <sys/socket.h>

int main(void)
{
	const uint64_t mark = 0xfedcba9876543210u;
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET}, out[4];
	int ep = epoll_create(1), s[2];
	char buf[16];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s), 0);
	ev.data.u64 = mark;
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, s[0], &ev), 0);
	CHECK_EQ(epoll_wait(ep, out, 4, -1), 1);
	CHECK_EQ(out[0].events, EPOLLOUT);
	CHECK(out[0].data.u64 == mark);
	CHECK_EQ(epoll_wait(ep, out, 4, 0), 0);
	CHECK_EQ(write(s[1], "abc", 3), 3);
	CHECK_EQ(epoll_wait(ep, out, 4, -1), 1);
	CHECK_EQ(out[0].events, EPOLLIN | EPOLLOUT);
	CHECK_EQ(read(s[0], buf, 1), 1);
	CHECK_EQ(epoll_wait(ep, out, 4, 0), 0); /* something is left, but nothing new came */
	CHECK_EQ(write(s[1], "d", 1), 1);
	CHECK_EQ(epoll_wait(ep, out, 4, -1), 1);
	CHECK(out[0].data.u64 == mark);
	CHECK_EQ(read(s[0], buf, sizeof(buf)), 3);
	CHECK_ERR(read(s[0], buf, sizeof(buf)), EAGAIN);
	CHECK_EQ(shutdown(s[1], SHUT_WR), 0);
	CHECK_EQ(epoll_wait(ep, out, 4, -1), 1);
	CHECK_EQ(out[0].events, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
	return done();
}
