/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: openat\(.*O_RDWR */
/* The same path is opened with other flags. */
#include "check.h"

int main(void)
{
	CHECK(open("/dev/null", twin() ? O_RDWR : O_RDONLY) >= 0);
	return done();
}
