/* SPDX-License-Identifier: MIT */
/* An epoll descriptor, passed to a child and to oneself: its registrations come along. */
#include "scm.h"

#include <sys/epoll.h>

static int pair[2];

static int receive(void)
{
	char control[CMSG_SPACE(sizeof(int))], c;
	struct iovec iov = {&c, 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	int fd;

	CHECK_EQ(recvmsg(pair[1], &m, 0), 1);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

int main(void)
{
	static int here, there;
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = &here}, out[2];
	int ep = epoll_create1(0), p[2], q[2], got;
	pid_t pid;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(pipe(q), 0);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &event), 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	scm_send(pair[0], &ep, 1);
	got = receive();
	CHECK_EQ(epoll_wait(got, out, 2, 1000), 1);
	CHECK(out[0].data.ptr == &here);
	event.data.ptr = &there;
	CHECK_EQ(epoll_ctl(got, EPOLL_CTL_ADD, q[0], &event), 0);
	CHECK_EQ(close(got), 0);
	CHECK_EQ(write(q[1], "y", 1), 1);
	CHECK_EQ(epoll_wait(ep, out, 2, 1000), 2);
	CHECK((out[0].data.ptr == &here && out[1].data.ptr == &there) ||
	      (out[0].data.ptr == &there && out[1].data.ptr == &here));
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQ(epoll_wait(ep, out, 2, 1000), 2);
		CHECK(out[0].data.ptr == &here || out[0].data.ptr == &there);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	return done();
}
