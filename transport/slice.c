/* SPDX-License-Identifier: MIT */
#include "slice.h"

/* Not <sched.h>: the two define the same structures. */
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SHORTEST 100000 /* ns; the kernel has none shorter */

void slice_shorten(void)
{
	struct sched_attr a = {.size = sizeof(a)};

	if (syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0) || a.sched_policy != SCHED_NORMAL)
		return;
	a.sched_runtime = SHORTEST;
	syscall(SYS_sched_setattr, 0, &a, 0);
}
