/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: write\(1, "lift */
/* The variants write other bytes of the same length. */
#include "check.h"

int main(void)
{
	CHECK_EQ(write(1, "same\n", 5), 5);
	CHECK_EQ(write(1, twin() ? "lift\n" : "left\n", 5), 5);
	return done();
}
