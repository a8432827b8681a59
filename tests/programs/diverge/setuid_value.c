/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: setuid\(0xfffd\) */
/* Another user id is set. */
#include "check.h"

int main(void)
{
	/* Only root may do this; for others the attempts differ as well. */
	int ret = setuid(twin() ? 65533 : 65534);

	CHECK(ret == 0 || errno == EPERM);
	return done();
}
