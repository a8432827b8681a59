/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .* prctl\( */
#include "check.h"
#include <sys/prctl.h>

int main(void)
{
	CHECK_EQ(prctl(PR_SET_DUMPABLE, twin() ? 0 : 1), 0);
	return done();
}
