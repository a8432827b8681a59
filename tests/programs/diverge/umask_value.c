/* SPDX-License-Identifier: MIT */
/* expect: divergence umask */
/* Another umask is set. */
#include "check.h"

int main(void)
{
	umask(twin() ? 0 : 022);
	return done();
}
