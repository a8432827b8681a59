/* SPDX-License-Identifier: MIT */
/* expect: divergence exec */
/* Another program is executed. */
#include "check.h"

int main(void)
{
	char *args[] = {"true", NULL}, *env[] = {"A=1", NULL};

	execve(twin() ? "/bin/sh" : "/bin/true", args, env);
	return 99;
}
