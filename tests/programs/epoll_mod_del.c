/* SPDX-License-Identifier: MIT */
/* EPOLL_CTL_MOD with other data and events, EPOLL_CTL_DEL, adding again, error results. */
#include "check.h"
#include <sys/epoll.h>

int main(void)
{
	static int one, two, three;
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &one}, out[4];
	int ep = epoll_create1(0), p[2], file;

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev), ENOENT);
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], &ev), ENOENT);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev), 0);
	CHECK_EQ(epoll_wait(ep, out, 4, 0), 1);
	CHECK(out[0].data.ptr == &one);
	ev.data.ptr = &two;
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev), 0);
	CHECK_EQ(epoll_wait(ep, out, 4, 0), 1);
	CHECK(out[0].data.ptr == &two);
	ev.events = 0;
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev), 0);
	CHECK_EQ(epoll_wait(ep, out, 4, 0), 0);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL), 0);
	ev = (struct epoll_event){.events = EPOLLIN, .data.ptr = &three};
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev), 0);
	CHECK_EQ(epoll_wait(ep, out, 4, 0), 1);
	CHECK(out[0].data.ptr == &three);
	/* A failed MOD must not change what is registered. */
	ev.data.ptr = &one;
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev), EEXIST);
	CHECK_EQ(epoll_wait(ep, out, 4, 0), 1);
	CHECK(out[0].data.ptr == &three);

	enter_scratch();
	file = open("f", O_CREAT | O_RDWR, 0600);
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_ADD, file, &ev), EPERM);
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &ev), EINVAL);
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_ADD, 1000, &ev), EBADF);
	CHECK_ERR(epoll_ctl(p[0], EPOLL_CTL_ADD, p[1], &ev), EINVAL);
	return done();
}
