/* SPDX-License-Identifier: MIT */
/* socketpair of every type, half-closing, EPIPE after the peer has gone. */
#include "check.h"
#include <sys/socket.h>

int main(void)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
	char buf[16];
	int s[2];
	size_t i;

	for (i = 0; i < 3; i++) {
		CHECK_EQ(socketpair(AF_UNIX, types[i] | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, s), 0);
		CHECK_EQ(fcntl(s[0], F_GETFD), FD_CLOEXEC);
		CHECK(fcntl(s[1], F_GETFL) & O_NONBLOCK);
		CHECK_ERR(read(s[0], buf, sizeof(buf)), EAGAIN);
		CHECK_EQ(write(s[0], "ping", 4), 4);
		CHECK_EQ(read(s[1], buf, sizeof(buf)), 4);
		CHECK_EQ(write(s[1], "pong", 4), 4);
		CHECK_EQ(read(s[0], buf, sizeof(buf)), 4);
		CHECK(memcmp(buf, "pong", 4) == 0);
		if (types[i] == SOCK_STREAM) {
			CHECK_EQ(shutdown(s[0], SHUT_WR), 0);
			CHECK_EQ(read(s[1], buf, sizeof(buf)), 0);
			CHECK_EQ(write(s[1], "x", 1), 1);
			CHECK_EQ(read(s[0], buf, sizeof(buf)), 1);
			CHECK_EQ(close(s[0]), 0);
			CHECK_ERR(send(s[1], "x", 1, MSG_NOSIGNAL), EPIPE);
		} else {
			CHECK_EQ(close(s[0]), 0);
		}
		CHECK_EQ(close(s[1]), 0);
	}
	CHECK_ERR(socketpair(AF_INET, SOCK_STREAM, 0, s), EOPNOTSUPP);
	return done();
}
