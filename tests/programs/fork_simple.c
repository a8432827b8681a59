/* SPDX-License-Identifier: MIT */
/* fork: memory is a copy, the exit status comes back, stdio is flushed by hand. */
#include "check.h"

static int global = 1;

int main(void)
{
	int local = 2, i;
	char *heap = malloc(16);
	pid_t pid, parent = getpid();

	CHECK(heap);
	strcpy(heap, "parent");
	for (i = 0; i < 5; i++) {
		printf("round %d\n", i);
		CHECK_EQ(fflush(stdout), 0);
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			CHECK_EQ(getppid(), parent);
			CHECK(getpid() != parent);
			CHECK(strcmp(heap, "parent") == 0);
			strcpy(heap, "child");
			global = 100;
			local = 200;
			printf("child %d\n", i);
			CHECK_EQ(fflush(stdout), 0);
			_exit(10 + i);
		}
		CHECK_EXIT(pid, 10 + i);
		CHECK(global == 1 && local == 2 && strcmp(heap, "parent") == 0);
	}
	CHECK_ERR(wait(NULL), ECHILD);
	return done();
}
