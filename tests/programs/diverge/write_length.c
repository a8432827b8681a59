/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: write\(1, .*, 11\) */
/* The same bytes, but one of them fewer. */
#include "check.h"

int main(void)
{
	int len = twin() ? 11 : 12;

	CHECK_EQ(write(1, "twelve bytes", len), len);
	return done();
}
