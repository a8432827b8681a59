/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: umask\(0\) */
/* Another umask is set. */
#include "check.h"

int main(void)
{
	umask(twin() ? 0 : 022);
	return done();
}
