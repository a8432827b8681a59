/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: ioctl\(.*\[0\]\) */
/* The same ioctl with another value behind its pointer. */
#include "check.h"
#include <sys/ioctl.h>

int main(void)
{
	int p[2], on = twin() ? 0 : 1;

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(ioctl(p[0], FIONBIO, &on), 0);
	return done();
}
