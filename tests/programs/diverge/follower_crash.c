/* SPDX-License-Identifier: MIT */
/* expect: divergence crash .*: this variant crashed */
/* A follower dies of SIGSEGV. */
#include "check.h"

int main(void)
{
	CHECK_EQ(write(1, "one\n", 4), 4);
	if (twin())
		*(volatile int *)8 = 1;
	CHECK_EQ(write(1, "two\n", 4), 4);
	return done();
}
