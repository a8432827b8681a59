/* SPDX-License-Identifier: MIT */
/* expect: divergence another call: .*: write\(.* leader made ptrace */
/* The leader alone makes a call that isn't supported: what differs comes before what isn't. */
#include <sys/ptrace.h>

#include "check.h"

int main(void)
{
	CHECK_EQ(write(1, "one\n", 4), 4);
	if (!twin())
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	CHECK_EQ(write(1, "two\n", 4), 4);
	return done();
}
