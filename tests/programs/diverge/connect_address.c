/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: connect\( */
/* A connection to another address. */
#include "net.h"

int main(void)
{
	struct sockaddr_in addr, other;
	int l = listener(2, &addr), fd;

	listener(2, &other);
	fd = connect_to(twin() ? &other : &addr);
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(close(l), 0);
	return done();
}
