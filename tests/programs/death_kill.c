/* SPDX-License-Identifier: MIT */
/* expect: signal 9 */
/* The process kills itself with SIGKILL. */
#include "check.h"

int main(void)
{
	CHECK_EQ(write(1, "before\n", 7), 7);
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}
