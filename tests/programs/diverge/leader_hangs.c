/* SPDX-License-Identifier: MIT */
/* expect: divergence hang, .*: the leader's process .* has computed */
/* config: hang_timeout = 1.0; */
/* The leader loops for ever between two calls. */
#include "check.h"

int main(void)
{
	volatile unsigned long spin = 0;

	CHECK_EQ(write(1, "one\n", 4), 4);
	while (leader_twin())
		spin++;
	CHECK_EQ(write(1, "two\n", 4), 4);
	return done();
}
