/* SPDX-License-Identifier: MIT */
/* expect: exit 255 */
/* An exit status is cut to eight bits. */
#include "check.h"

int main(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		_exit(256 + 44);
	CHECK_EXIT(pid, 44);
	return -1;
}
