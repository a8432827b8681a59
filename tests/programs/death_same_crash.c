/* SPDX-License-Identifier: MIT */
/* expect: signal 11 */
/* Every run of this program crashes at the same place: that is its end, not a difference. */
#include "check.h"

int main(void)
{
	CHECK_EQ(write(1, "before\n", 7), 7);
	*(volatile int *)16 = 1;
	CHECK_EQ(write(1, "never\n", 6), 6);
	return 0;
}
