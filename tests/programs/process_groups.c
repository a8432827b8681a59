/* SPDX-License-Identifier: MIT */
/* Process groups: setpgid from both sides, getpgid, a signal to the whole group. */
#include "check.h"

#define CHILDREN 3

int main(void)
{
	pid_t pid[CHILDREN], group = 0;
	int i, status, ready[2];
	char c;

	CHECK_EQ(pipe(ready), 0);
	for (i = 0; i < CHILDREN; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (pid[i] == 0) {
			CHECK_EQ(setpgid(0, group), 0);
			CHECK_EQ(getpgrp(), group ? group : getpid());
			CHECK_EQ(write(ready[1], "r", 1), 1);
			for (;;)
				pause();
		}
		if (!group)
			group = pid[0];
		CHECK_EQ(setpgid(pid[i], group), 0);
		CHECK_EQ(getpgid(pid[i]), group);
	}
	for (i = 0; i < CHILDREN; i++)
		CHECK_EQ(read(ready[0], &c, 1), 1);
	CHECK(getpgrp() != group);
	CHECK_EQ(kill(-group, 0), 0);
	CHECK_EQ(killpg(group, SIGTERM), 0);
	for (i = 0; i < CHILDREN; i++) {
		CHECK_EQ(waitpid(-group, &status, 0) > 0, 1);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	}
	CHECK_ERR(waitpid(-group, &status, 0), ECHILD);
	CHECK_ERR(killpg(group, SIGTERM), ESRCH);
	return done();
}
