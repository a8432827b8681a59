/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: execve\(.*"B=3"\] */
/* The same program is executed with another environment. */
#include "check.h"

int main(void)
{
	char *args[] = {"true", NULL}, *env[] = {"A=1", twin() ? "B=3" : "B=2", NULL};

	execve("/bin/true", args, env);
	return 99;
}
