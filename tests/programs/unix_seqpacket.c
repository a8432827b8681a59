/* SPDX-License-Identifier: MIT */
/* SOCK_SEQPACKET: a connection with message boundaries; MSG_EOR isn't needed for them. */
#include "check.h"
#include <sys/socket.h>
#include <sys/un.h>

int main(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = "seq"};
	char buf[32];
	int l, a, b;

	enter_scratch();
	l = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	a = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	CHECK_EQ(bind(l, (struct sockaddr *)&addr, sizeof(addr)), 0);
	CHECK_EQ(listen(l, 1), 0);
	CHECK_EQ(connect(a, (struct sockaddr *)&addr, sizeof(addr)), 0);
	b = accept(l, NULL, NULL);
	CHECK(b >= 0);
	CHECK_EQ(write(a, "first", 5), 5);
	CHECK_EQ(write(a, "second!", 7), 7);
	CHECK_EQ(read(b, buf, sizeof(buf)), 5);
	CHECK_EQ(read(b, buf, 3), 3); /* the rest of the message is dropped */
	CHECK(memcmp(buf, "sec", 3) == 0);
	CHECK_EQ(close(a), 0);
	CHECK_EQ(read(b, buf, sizeof(buf)), 0);
	return done();
}
