/* SPDX-License-Identifier: MIT */
/* expect: divergence open */
/* Another path is opened. */
#include "check.h"

int main(void)
{
	CHECK(open(twin() ? "/etc/group" : "/etc/passwd", O_RDONLY) >= 0);
	return done();
}
