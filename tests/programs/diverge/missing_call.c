/* SPDX-License-Identifier: MIT */
/* expect: divergence another call: .*: exit_group\(0\) where the leader made write */
/* The last call before the end is missing in the follower. */
#include "check.h"

int main(void)
{
	CHECK_EQ(write(1, "one\n", 4), 4);
	if (!twin())
		CHECK_EQ(write(1, "last\n", 5), 5);
	_exit(0);
}
