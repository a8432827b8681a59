/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: execve\(.*"LD_PRELOAD=::"\] */
/* The same program is executed with another LD_PRELOAD, in front of which the monitor has its own.
 */
#include "check.h"

int main(void)
{
	char *args[] = {"true", NULL}, *env[] = {twin() ? "LD_PRELOAD=::" : "LD_PRELOAD=:", NULL};

	execve("/bin/true", args, env);
	return 99;
}
