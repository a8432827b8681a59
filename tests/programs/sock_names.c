/* SPDX-License-Identifier: MIT */
/* getsockname, getpeername and shutdown of a TCP connection within one process. */
#include "net.h"

int main(void)
{
	struct sockaddr_in addr, a, b;
	socklen_t len = sizeof(a);
	int l = listener(1, &addr), c, s;
	char buf[8];

	c = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_ERR(getpeername(c, (struct sockaddr *)&a, &len), ENOTCONN);
	CHECK_ERR(shutdown(socket(AF_INET, SOCK_STREAM, 0), SHUT_RDWR), ENOTCONN);
	CHECK_EQ(connect(c, (struct sockaddr *)&addr, sizeof(addr)), 0);
	s = accept(l, (struct sockaddr *)&b, &len);
	CHECK(s >= 0);
	len = sizeof(a);
	CHECK_EQ(getsockname(c, (struct sockaddr *)&a, &len), 0);
	CHECK_EQ(a.sin_port, b.sin_port);
	len = sizeof(a);
	CHECK_EQ(getpeername(s, (struct sockaddr *)&a, &len), 0);
	CHECK_EQ(a.sin_port, b.sin_port);
	CHECK_EQ(a.sin_addr.s_addr, b.sin_addr.s_addr);
	len = sizeof(a);
	CHECK_EQ(getpeername(c, (struct sockaddr *)&a, &len), 0);
	CHECK_EQ(a.sin_port, addr.sin_port);
	disclose(&b, sizeof(b));

	CHECK_EQ(send(c, "end", 3, 0), 3);
	CHECK_EQ(shutdown(c, SHUT_WR), 0);
	CHECK_ERR(send(c, "x", 1, MSG_NOSIGNAL), EPIPE);
	read_all(s, buf, 3);
	CHECK_EQ(read(s, buf, sizeof(buf)), 0);
	CHECK_EQ(send(s, "ok", 2, 0), 2);
	CHECK_EQ(close(s), 0);
	read_all(c, buf, 2);
	CHECK_EQ(read(c, buf, sizeof(buf)), 0);
	return done();
}
