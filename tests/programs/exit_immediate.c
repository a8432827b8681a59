/* SPDX-License-Identifier: MIT */
/* expect: exit 3 */
/* _exit doesn't flush what stdio holds. */
#include "check.h"

int main(void)
{
	static char buffer[4096];

	CHECK_EQ(setvbuf(stdout, buffer, _IOFBF, sizeof(buffer)), 0);
	puts("written");
	CHECK_EQ(fflush(stdout), 0);
	puts("never seen");
	_exit(3);
}
