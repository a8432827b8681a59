/* SPDX-License-Identifier: MIT */
/* Unix datagrams: the sender's path comes with recvfrom, boundaries are kept. */
#include "check.h"
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "a"};
	struct sockaddr_un b = {.sun_family = AF_UNIX, .sun_path = "b"}, from;
	socklen_t len = sizeof(from);
	char buf[32];
	int x, y;

	enter_scratch();
	x = socket(AF_UNIX, SOCK_DGRAM, 0);
	y = socket(AF_UNIX, SOCK_DGRAM, 0);
	CHECK_EQ(bind(x, (struct sockaddr *)&a, sizeof(a)), 0);
	CHECK_EQ(bind(y, (struct sockaddr *)&b, sizeof(b)), 0);
	CHECK_EQ(sendto(x, "one", 3, 0, (struct sockaddr *)&b, sizeof(b)), 3);
	CHECK_EQ(sendto(x, "three", 5, 0, (struct sockaddr *)&b, sizeof(b)), 5);
	CHECK_EQ(recvfrom(y, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len), 3);
	CHECK_EQ(len, offsetof(struct sockaddr_un, sun_path) + 2);
	CHECK(strcmp(from.sun_path, "a") == 0);
	CHECK_EQ(sendto(y, "back", 4, 0, (struct sockaddr *)&from, len), 4);
	CHECK_EQ(recv(y, buf, sizeof(buf), 0), 5);
	CHECK_EQ(recv(x, buf, sizeof(buf), 0), 4);
	CHECK(memcmp(buf, "back", 4) == 0);
	CHECK_EQ(close(y), 0);
	CHECK_ERR(sendto(x, "x", 1, 0, (struct sockaddr *)&b, sizeof(b)), ECONNREFUSED);
	return done();
}
