/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: write\(4,  */
/* The same bytes to another descriptor. */
#include "check.h"

int main(void)
{
	int a = open("/dev/null", O_WRONLY), b = open("/dev/null", O_WRONLY);

	CHECK_EQ(write(twin() ? b : a, "bytes", 5), 5);
	return done();
}
