/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: fcntl\(3, F_SETFL, 0\) */
/* The same fcntl with another argument. */
#include "check.h"

int main(void)
{
	int p[2];

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(fcntl(p[0], F_SETFL, twin() ? 0 : O_NONBLOCK), 0);
	return done();
}
