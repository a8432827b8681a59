/* SPDX-License-Identifier: MIT */
/* UDP: sendto and recvfrom, a connected socket, truncation, an empty datagram. */
#include "net.h"

int main(void)
{
	struct sockaddr_in a, b, from;
	socklen_t len = sizeof(from);
	int x = bound_socket(SOCK_DGRAM, &a), y = bound_socket(SOCK_DGRAM, &b);
	char buf[64];

	CHECK_EQ(sendto(x, "hello", 5, 0, (struct sockaddr *)&b, sizeof(b)), 5);
	CHECK_EQ(recvfrom(y, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len), 5);
	CHECK_EQ(len, sizeof(from));
	CHECK_EQ(from.sin_port, a.sin_port);
	CHECK_EQ(sendto(y, "", 0, 0, (struct sockaddr *)&from, len), 0);
	CHECK_EQ(recv(x, buf, sizeof(buf), 0), 0);
	CHECK_EQ(connect(x, (struct sockaddr *)&b, sizeof(b)), 0);
	CHECK_EQ(send(x, "0123456789", 10, 0), 10);
	CHECK_EQ(recv(y, buf, 4, MSG_TRUNC), 10);
	CHECK(memcmp(buf, "0123", 4) == 0);
	CHECK_EQ(write(x, "abc", 3), 3);
	CHECK_EQ(read(y, buf, sizeof(buf)), 3);
	CHECK_ERR(recv(y, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
	len = 4;
	CHECK_EQ(sendto(x, "q", 1, 0, NULL, 0), 1);
	memset(&from, 0xee, sizeof(from));
	CHECK_EQ(recvfrom(y, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len), 1);
	CHECK_EQ(len, sizeof(from)); /* the true length, though only 4 bytes were stored */
	CHECK_EQ(from.sin_port, a.sin_port);
	CHECK_EQ(from.sin_addr.s_addr, 0xeeeeeeee);
	CHECK_ERR(send(y, "q", 1, 0), EDESTADDRREQ);
	return done();
}
