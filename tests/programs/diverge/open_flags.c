/* SPDX-License-Identifier: MIT */
/* expect: divergence open */
/* The same path is opened with other flags. */
#include "check.h"

int main(void)
{
	CHECK(open("/dev/null", twin() ? O_RDWR : O_RDONLY) >= 0);
	return done();
}
