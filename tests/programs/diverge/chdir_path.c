/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: chdir\("/usr" */
/* Another working directory. */
#include "check.h"

int main(void)
{
	CHECK_EQ(chdir(twin() ? "/usr" : "/etc"), 0);
	return done();
}
