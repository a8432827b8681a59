/* SPDX-License-Identifier: MIT */
/* A tree of processes, three levels of three; every inner one sums its children's results. */
#include "check.h"

static int node(int depth)
{
	int i, sum = 1, status;
	pid_t pid[3];

	if (depth == 0)
		return 1;
	for (i = 0; i < 3; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (pid[i] == 0)
			_exit(node(depth - 1));
	}
	for (i = 0; i < 3; i++) {
		CHECK_EQ(waitpid(pid[i], &status, 0), pid[i]);
		CHECK(WIFEXITED(status));
		sum += WEXITSTATUS(status);
	}
	return sum;
}

int main(void)
{
	int sum = node(3);

	CHECK_EQ(sum, 1 + 3 + 9 + 27);
	printf("%d\n", sum);
	return done();
}
