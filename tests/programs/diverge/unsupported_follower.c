/* SPDX-License-Identifier: MIT */
/* expect: divergence another call: .*: syscall\(500, .* where the leader made write */
/* A follower alone makes a call of a number that nobody knows. */
#include <sys/syscall.h>

#include "check.h"

int main(void)
{
	CHECK_EQ(write(1, "one\n", 4), 4);
	if (twin())
		syscall(500, 1, 2, 3);
	CHECK_EQ(write(1, "two\n", 4), 4);
	return done();
}
