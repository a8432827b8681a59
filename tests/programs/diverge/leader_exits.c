/* SPDX-License-Identifier: MIT */
/* expect: divergence another call: .*: write\(.* leader made exit_group */
/* The leader ends early. */
#include "check.h"

int main(void)
{
	CHECK_EQ(write(1, "one\n", 4), 4);
	if (!twin())
		_exit(0);
	CHECK_EQ(write(1, "two\n", 4), 4);
	_exit(0);
}
