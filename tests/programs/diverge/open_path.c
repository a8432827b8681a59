/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: openat\(.*"/etc/group" */
/* Another path is opened. */
#include "check.h"

int main(void)
{
	CHECK(open(twin() ? "/etc/group" : "/etc/passwd", O_RDONLY) >= 0);
	return done();
}
