/* SPDX-License-Identifier: MIT */
/* expect: divergence another call: .*: write\(.* leader made clone */
/* The leader forks, the followers do not. */
#include "check.h"

int main(void)
{
	CHECK_EQ(write(1, "one\n", 4), 4);
	if (!twin()) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0)
			_exit(0);
		CHECK_EXIT(pid, 0);
	}
	CHECK_EQ(write(1, "two\n", 4), 4);
	return done();
}
