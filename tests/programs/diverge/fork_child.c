/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: write\(1, "chill */
/* Only the child of a fork differs. */
#include "check.h"

int main(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQ(write(1, twin() ? "chill\n" : "child\n", 6), 6);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	CHECK_EQ(write(1, "parent\n", 7), 7);
	return done();
}
