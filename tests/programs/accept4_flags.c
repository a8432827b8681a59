/* SPDX-License-Identifier: MIT */
/* accept4 with flags, accept on a non-blocking listener with nobody waiting. */
#include "net.h"

int main(void)
{
	struct sockaddr_in addr, peer;
	int l = listener(4, &addr), fd;
	socklen_t len = 6;

	CHECK_EQ(fcntl(l, F_SETFL, O_NONBLOCK), 0);
	CHECK_ERR(accept(l, NULL, NULL), EAGAIN);
	connect_to(&addr);
	connect_to(&addr);
	connect_to(&addr);
	fd = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
	fd = accept4(l, NULL, NULL, 0);
	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	memset(&peer, 0xaa, sizeof(peer));
	fd = accept(l, (struct sockaddr *)&peer, &len); /* a buffer that is too short */
	CHECK(fd >= 0);
	CHECK_EQ(len, sizeof(peer));
	CHECK_EQ(peer.sin_family, AF_INET);
	CHECK_EQ(peer.sin_addr.s_addr & 0xffff0000, 0xaaaa0000);
	CHECK_ERR(accept4(l, NULL, NULL, 0x12345), EINVAL);
	CHECK_ERR(accept(0, NULL, NULL), ENOTSOCK);
	return done();
}
