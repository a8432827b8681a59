/* SPDX-License-Identifier: MIT */
/* Priorities of scheduling and of input and output, by all their calls; slices. */
#include "check.h"
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* <linux/sched/types.h> and <linux/ioprio.h> don't go together with libc's headers everywhere. */
struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};
#define BEST_EFFORT(level) (2 << 13 | (level))

int main(void)
{
	struct sched_param param = {.sched_priority = 0};
	struct attr attr = {0}, small = {.size = 4};
	struct timespec slice = {-1, -1};
	pid_t pid;

	CHECK_EQ(sched_get_priority_min(SCHED_FIFO), 1);
	CHECK_EQ(sched_get_priority_max(SCHED_OTHER), 0);
	CHECK_ERR(sched_get_priority_min(99), EINVAL);
	CHECK_EQ(sched_setparam(0, &param), 0);
	param.sched_priority = 5;
	CHECK_ERR(sched_setparam(0, &param), EINVAL);
	CHECK_EQ(sched_rr_get_interval(0, &slice), 0);
	CHECK(slice.tv_sec >= 0 && slice.tv_nsec >= 0);
	CHECK_ERR(sched_rr_get_interval(-1, &slice), EINVAL);

	CHECK_EQ(syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0), 0);
	CHECK_EQ(attr.policy, SCHED_OTHER);
	attr.nice += 3;
	CHECK_EQ(syscall(SYS_sched_setattr, 0, &attr, 0), 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), attr.nice);
	CHECK_ERR(syscall(SYS_sched_setattr, 0, &small, 0), E2BIG);
	CHECK(small.size >= sizeof(attr));
	CHECK_ERR(syscall(SYS_sched_setattr, 0, NULL, 0), EINVAL);

	CHECK_EQ(syscall(SYS_ioprio_set, 1, 0, BEST_EFFORT(6)), 0);
	CHECK_EQ(syscall(SYS_ioprio_get, 1, 0), BEST_EFFORT(6));
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQ(syscall(SYS_ioprio_get, 1, getpid()), BEST_EFFORT(6));
		CHECK_EQ(getpriority(PRIO_PROCESS, getpid()), attr.nice);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	CHECK_ERR(syscall(SYS_ioprio_set, 9, 0, 0), EINVAL);
	return done();
}
