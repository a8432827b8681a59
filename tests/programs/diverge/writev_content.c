/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: writev\(1, "head bodi */
/* One part of a writev differs, the lengths do not. */
#include "check.h"
#include <sys/uio.h>

int main(void)
{
	struct iovec iov[3] = {{"head ", 5}, {twin() ? "bodi" : "body", 4}, {" tail\n", 6}};

	CHECK_EQ(writev(1, iov, 3), 15);
	return done();
}
