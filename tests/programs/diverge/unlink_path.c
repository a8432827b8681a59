/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: unlinkat\(AT_FDCWD, "b" */
/* Another file is removed. */
#include "check.h"

int main(void)
{
	enter_scratch();
	write_file("a", "x");
	write_file("b", "x");
	CHECK_EQ(unlink(twin() ? "b" : "a"), 0);
	return done();
}
