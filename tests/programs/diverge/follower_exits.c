/* SPDX-License-Identifier: MIT */
/* expect: divergence another call: .*: exit_group\(0\) where the leader made write */
/* A follower ends early. */
#include "check.h"

int main(void)
{
	CHECK_EQ(write(1, "one\n", 4), 4);
	if (twin())
		_exit(0);
	CHECK_EQ(write(1, "two\n", 4), 4);
	return done();
}
