/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: sendto\(3, "x" */
/* A datagram to another port, with the same bytes. */
#include "net.h"

int main(void)
{
	struct sockaddr_in a, b;
	int x = bound_socket(SOCK_DGRAM, &a);
	struct sockaddr_in *to = twin() ? &b : &a;

	bound_socket(SOCK_DGRAM, &b);
	CHECK_EQ(sendto(x, "x", 1, 0, (struct sockaddr *)to, sizeof(*to)), 1);
	return done();
}
