/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: exit_group\(1\) */
/* All end at the same place, with another status. */
#include "check.h"

int main(void)
{
	CHECK_EQ(write(1, "one\n", 4), 4);
	_exit(twin() ? 1 : 0);
}
