/* SPDX-License-Identifier: MIT */
/* An orphan goes on after its parent's end, and is adopted by somebody else. */
#include "check.h"
#include <sys/prctl.h>

int main(void)
{
	int p[2], status;
	pid_t orphan, pid;

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		pid_t parent = getpid();

		orphan = fork();
		CHECK(orphan >= 0);
		if (orphan)
			_exit(3);
		while (getppid() == parent)
			pause_ms(1);
		orphan = getpid();
		CHECK_EQ(write(p[1], &orphan, sizeof(orphan)), sizeof(orphan));
		_exit(4);
	}
	CHECK_EXIT(pid, 3);
	CHECK_EQ(read(p[0], &orphan, sizeof(orphan)), sizeof(orphan));
	CHECK_EQ(waitpid(-1, &status, 0), orphan); /* this process is its parent now */
	CHECK_EQ(WEXITSTATUS(status), 4);
	return done();
}
