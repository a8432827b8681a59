/* SPDX-License-Identifier: MIT */
/* expect: divergence hang, one variant stands still */
/* config: hang_timeout = 1.0; */
/* A follower loops for ever between two calls. */
#include "check.h"

int main(void)
{
	volatile unsigned long spin = 0;

	CHECK_EQ(write(1, "one\n", 4), 4);
	while (twin())
		spin++;
	CHECK_EQ(write(1, "two\n", 4), 4);
	return done();
}
