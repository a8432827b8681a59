/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: setsockopt\(3, 1, 2, \[0\] */
/* The same socket option with another value. */
#include "net.h"

int main(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = twin() ? 0 : 1;

	CHECK(fd >= 0);
	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	return done();
}
