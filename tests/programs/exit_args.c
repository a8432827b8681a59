/* SPDX-License-Identifier: MIT */
/* expect: exit 42 */
/* args: alpha beta 42 */
/* Arguments arrive, and the exit status comes from one of them. */
#include "check.h"

int main(int argc, char **argv)
{
	CHECK_EQ(argc, 4);
	CHECK(strcmp(argv[1], "alpha") == 0);
	printf("%s %s\n", argv[1], argv[2]);
	return atoi(argv[3]);
}
