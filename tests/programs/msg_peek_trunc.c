/* SPDX-License-Identifier: MIT */
/* MSG_PEEK leaves data in place, MSG_TRUNC and msg_flags tell what was cut, MSG_WAITALL. */
#include "check.h"
#include <sys/socket.h>

int main(void)
{
	char buf[32], ctl[64];
	struct iovec iov = {buf, 3};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl};
	int d[2], s[2];
	pid_t pid;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, d), 0);
	CHECK_EQ(write(d[0], "datagram", 8), 8);
	CHECK_EQ(recv(d[1], buf, 4, MSG_PEEK), 4);
	CHECK_EQ(recv(d[1], NULL, 0, MSG_PEEK | MSG_TRUNC), 8);
	msg.msg_controllen = sizeof(ctl);
	CHECK_EQ(recvmsg(d[1], &msg, 0), 3);
	CHECK_EQ(msg.msg_flags & MSG_TRUNC, MSG_TRUNC);
	CHECK_EQ(msg.msg_controllen, 0);
	CHECK_ERR(recv(d[1], buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	CHECK_EQ(write(s[0], "abcdef", 6), 6);
	CHECK_EQ(recv(s[1], buf, 3, MSG_PEEK), 3);
	CHECK_EQ(recv(s[1], buf, 2, 0), 2);
	CHECK(memcmp(buf, "ab", 2) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		pause_ms(10);
		CHECK_EQ(write(s[0], "ghij", 4), 4);
		_exit(0);
	}
	CHECK_EQ(recv(s[1], buf, 8, MSG_WAITALL), 8);
	CHECK(memcmp(buf, "cdefghij", 8) == 0);
	CHECK_EXIT(pid, 0);
	return done();
}
