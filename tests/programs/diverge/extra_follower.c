/* SPDX-License-Identifier: MIT */
/* expect: divergence another call: .*: openat\(.*"/dev/zero".* leader made write */
/* A follower makes a call that the leader does not make. */
#include "check.h"

int main(void)
{
	CHECK_EQ(write(1, "one\n", 4), 4);
	if (twin())
		CHECK(open("/dev/zero", O_RDONLY) >= 0);
	CHECK_EQ(write(1, "two\n", 4), 4);
	return done();
}
