/* SPDX-License-Identifier: MIT */
/* Abstract Unix addresses, one chosen by the kernel (autobind) and one made from it. */
#include "check.h"
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#define BASE offsetof(struct sockaddr_un, sun_path)

int main(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX}, peer;
	socklen_t len = sizeof(addr), plen = sizeof(peer);
	int l = socket(AF_UNIX, SOCK_STREAM, 0), other = socket(AF_UNIX, SOCK_STREAM, 0);
	int c = socket(AF_UNIX, SOCK_STREAM, 0);
	char buf[8];

	CHECK_EQ(bind(l, (struct sockaddr *)&addr, sizeof(sa_family_t)), 0);
	CHECK_EQ(getsockname(l, (struct sockaddr *)&addr, &len), 0);
	CHECK_EQ(len, BASE + 6);
	CHECK_EQ(addr.sun_path[0], 0);
	CHECK_EQ(listen(l, 2), 0);
	CHECK_EQ(connect(c, (struct sockaddr *)&addr, len), 0);
	CHECK_EQ(getpeername(c, (struct sockaddr *)&peer, &plen), 0);
	CHECK_EQ(plen, len);
	CHECK(memcmp(&peer, &addr, len) == 0);
	CHECK_EQ(write(accept(l, NULL, NULL), "hi", 2), 2);
	CHECK_EQ(read(c, buf, sizeof(buf)), 2);
	CHECK_ERR(bind(other, (struct sockaddr *)&addr, len), EADDRINUSE);
	addr.sun_path[6] = 'x';
	CHECK_EQ(bind(other, (struct sockaddr *)&addr, len + 1), 0);
	return done();
}
