/* SPDX-License-Identifier: MIT */
/* EPOLLEXCLUSIVE: children with epoll instances of their own share a listening socket. */
#include "net.h"
#include <sys/epoll.h>

#define WORKERS 3
#define REQUESTS 9

static void worker(int l)
{
	static int tag;
	struct epoll_event ev = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = &tag};
	int ep = epoll_create1(0), c;
	char byte;

	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, l, &ev), 0);
	for (;;) {
		CHECK_EQ(epoll_wait(ep, &ev, 1, -1), 1);
		CHECK(ev.data.ptr == &tag);
		c = accept(l, NULL, NULL);
		if (c < 0) {
			CHECK_EQ(errno, EAGAIN); /* another worker was quicker */
			continue;
		}
		CHECK_EQ(read(c, &byte, 1), 1);
		if (byte == 'q')
			_exit(0);
		CHECK_EQ(write(c, &byte, 1), 1);
		CHECK_EQ(close(c), 0);
	}
}

int main(void)
{
	struct sockaddr_in addr;
	int l = listener(16, &addr), i, c;
	pid_t pid[WORKERS];
	char byte;

	CHECK_EQ(fcntl(l, F_SETFL, O_NONBLOCK), 0);
	for (i = 0; i < WORKERS; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (pid[i] == 0)
			worker(l);
	}
	for (i = 0; i < REQUESTS; i++) {
		c = connect_to(&addr);
		CHECK_EQ(write(c, "r", 1), 1);
		CHECK_EQ(read(c, &byte, 1), 1);
		CHECK_EQ(byte, 'r');
		CHECK_EQ(close(c), 0);
	}
	for (i = 0; i < WORKERS; i++)
		CHECK_EQ(write(connect_to(&addr), "q", 1), 1);
	for (i = 0; i < WORKERS; i++)
		CHECK_EXIT(pid[i], 0);
	return done();
}
