/* SPDX-License-Identifier: MIT */
/* SCM_RIGHTS: several descriptors in one message, used on the other side of a fork. */
#include "check.h"
#include <sys/socket.h>

int main(void)
{
	union {
		char buf[CMSG_SPACE(3 * sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte = 'r', text[16];
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control};
	struct cmsghdr *c;
	int s[2], p[2], fds[3], i;
	pid_t pid;

	enter_scratch();
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	pid = fork();
	CHECK(pid >= 0);
	msg.msg_controllen = sizeof(control);
	if (pid == 0) {
		write_file("f", "from child");
		CHECK_EQ(pipe(p), 0);
		fds[0] = open("f", O_RDONLY);
		fds[1] = p[0];
		fds[2] = p[1];
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fds));
		memcpy(CMSG_DATA(c), fds, sizeof(fds));
		CHECK_EQ(sendmsg(s[1], &msg, 0), 1);
		CHECK_EQ(close(fds[0]), 0);
		CHECK_EQ(close(p[1]), 0);
		CHECK_EQ(read(p[0], text, sizeof(text)), 4);
		_exit(0);
	}
	CHECK_EQ(recvmsg(s[0], &msg, MSG_CMSG_CLOEXEC), 1);
	CHECK_EQ(msg.msg_flags & MSG_CTRUNC, 0);
	c = CMSG_FIRSTHDR(&msg);
	CHECK(c && c->cmsg_type == SCM_RIGHTS);
	CHECK_EQ(c->cmsg_len, CMSG_LEN(sizeof(fds)));
	memcpy(fds, CMSG_DATA(c), sizeof(fds));
	for (i = 0; i < 3; i++)
		CHECK_EQ(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(read(fds[0], text, sizeof(text)), 10);
	CHECK(memcmp(text, "from child", 10) == 0);
	CHECK_EQ(write(fds[2], "back", 4), 4);
	CHECK_EXIT(pid, 0);
	return done();
}
