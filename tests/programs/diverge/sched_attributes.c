/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .* sched_setattr\( */
#include "check.h"
#include <sys/syscall.h>

int main(void)
{
	/* size, policy; flags; nice, priority; three times */
	uint32_t attr[12] = {sizeof(attr), 0, 0, 0, twin() ? 7 : 6};

	CHECK_EQ(syscall(SYS_sched_setattr, 0, attr, 0), 0);
	return done();
}
