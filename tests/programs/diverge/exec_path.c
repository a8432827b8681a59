/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: execve\("/bin/sh", \["true"\] */
/* Another program is executed. */
#include "check.h"

int main(void)
{
	char *args[] = {"true", NULL}, *env[] = {"A=1", NULL};

	execve(twin() ? "/bin/sh" : "/bin/true", args, env);
	return 99;
}
