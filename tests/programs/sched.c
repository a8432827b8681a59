/* SPDX-License-Identifier: MIT */
/* sched_yield, affinity (read, narrowed, restored), scheduling policy and priorities. */
#include "check.h"
#include <sched.h>

int main(void)
{
	struct sched_param param = {.sched_priority = 0};
	cpu_set_t set, one, got;
	int i, n;

	for (i = 0; i < 10; i++)
		CHECK_EQ(sched_yield(), 0);
	CHECK_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
	n = CPU_COUNT(&set);
	CHECK(n >= 1);
	CPU_ZERO(&one);
	for (i = 0; i < CPU_SETSIZE && !CPU_ISSET(i, &set); i++)
		;
	CPU_SET(i, &one);
	CHECK_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
	CHECK_EQ(sched_getaffinity(0, sizeof(got), &got), 0);
	CHECK(CPU_EQUAL(&got, &one));
	CHECK_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
	CPU_ZERO(&one);
	CHECK_ERR(sched_setaffinity(0, sizeof(one), &one), EINVAL);
	CHECK_EQ(sched_getscheduler(0), SCHED_OTHER);
	CHECK_EQ(sched_setscheduler(0, SCHED_BATCH, &param), 0);
	CHECK_EQ(sched_getscheduler(0), SCHED_BATCH);
	CHECK_EQ(sched_get_priority_max(SCHED_FIFO), 99);
	CHECK_EQ(sched_getparam(0, &param), 0);
	CHECK_EQ(param.sched_priority, 0);
	return done();
}
