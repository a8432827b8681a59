/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: execve\("/bin/sh", \["sh", "-c", "exit  0"\] */
/* The same program is executed with another argument. */
#include "check.h"

int main(void)
{
	char *args[] = {"sh", "-c", twin() ? "exit  0" : "exit 00", NULL}, *env[] = {"A=1", NULL};

	execve("/bin/sh", args, env);
	return 99;
}
