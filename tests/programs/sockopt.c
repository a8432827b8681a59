/* SPDX-License-Identifier: MIT */
/* setsockopt and getsockopt: integers, a struct, a short buffer, unknown options. */
#include "net.h"

static int get(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	CHECK_EQ(getsockopt(fd, level, name, &value, &len), 0);
	CHECK_EQ(len, sizeof(value));
	return value;
}

int main(void)
{
	struct linger linger = {1, 5}, got = {0, 0};
	struct timeval tv = {0, 20000};
	socklen_t len = sizeof(got);
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1, size = 65536;
	int udp = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in addr = loopback();
	char c = 0x55;

	CHECK_EQ(get(fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
	CHECK_EQ(get(fd, SOL_SOCKET, SO_DOMAIN), AF_INET);
	CHECK_EQ(get(fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
	CHECK_EQ(get(fd, SOL_SOCKET, SO_REUSEADDR), 0);
	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	CHECK_EQ(get(fd, SOL_SOCKET, SO_REUSEADDR), 1);
	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)), 0);
	CHECK_EQ(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
	CHECK_EQ(get(fd, IPPROTO_TCP, TCP_NODELAY), 1);
	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	CHECK_EQ(get(fd, SOL_SOCKET, SO_RCVBUF), 2 * size);
	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_LINGER, &got, &len), 0);
	CHECK_EQ(len, sizeof(got));
	CHECK(got.l_onoff == 1 && got.l_linger == 5);
	len = 1;
	CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &c, &len), 0);
	CHECK_EQ(len, 1);
	CHECK_EQ(c, 1);
	CHECK_ERR(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, 1), EINVAL);
	CHECK_ERR(getsockopt(fd, SOL_SOCKET, 9999, &one, &len), ENOPROTOOPT);
	CHECK_ERR(getsockopt(0x7fff, SOL_SOCKET, SO_TYPE, &one, &len), EBADF);

	/* A receive timeout ends a blocking call. */
	CHECK_EQ(bind(udp, (struct sockaddr *)&addr, sizeof(addr)), 0);
	CHECK_EQ(setsockopt(udp, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	CHECK_ERR(recv(udp, &c, 1, 0), EAGAIN);
	return done();
}
