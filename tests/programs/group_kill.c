/* SPDX-License-Identifier: MIT */
/*
 * Process groups that fork, execute and write are killed as a whole at any moment, so parents
 * together with children of which they don't know yet; whatever is left over is adopted.
 */
#include "check.h"
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>

enum { ROUNDS = 40, DEEPEST = 3 };

static const int death[] = {SIGKILL, SIGTERM, SIGALRM};

static void work(int out)
{
	static const char large[100000];
	int fd = open("/dev/null", O_WRONLY);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, large, sizeof(large)), sizeof(large));
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(write(out, "x", 1), 1);
}

static void execute(void)
{
	char *argv[] = {"true", NULL}, *none[] = {NULL};
	pid_t pid;

	if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, none) == 0)
		CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

static void member(int out)
{
	for (int depth = 0; depth < DEEPEST; depth++) {
		pid_t pid = fork();

		if (pid == 0)
			continue;
		CHECK(pid > 0);
		work(out);
		if (depth == 1)
			execute();
		pid = fork();
		if (pid == 0)
			continue;
		CHECK(pid > 0);
		if (depth == 2) {
			CHECK_EQ(kill(pid, SIGKILL), 0);
			CHECK_EQ(waitpid(pid, NULL, 0), pid);
		}
		break;
	}
	for (;;)
		work(out);
}

int main(void)
{
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	for (int round = 0; round < ROUNDS; round++) {
		int out[2], status, signal = death[round % 3];
		char byte;
		pid_t pid;

		CHECK_EQ(pipe(out), 0);
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			CHECK_EQ(setpgid(0, 0), 0);
			member(out[1]);
		}
		CHECK_EQ(close(out[1]), 0);
		for (int i = 0; i < 1 + round % 7 * 2; i++)
			CHECK_EQ(read(out[0], &byte, 1), 1);
		for (volatile int spin = 0; spin < 997 * round; spin++)
			;
		CHECK_EQ(kill(-pid, signal), 0);
		while (read(out[0], &byte, 1) == 1)
			;
		CHECK_EQ(close(out[0]), 0);
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == signal);
		while (waitpid(-1, &status, 0) > 0)
			;
		CHECK_EQ(errno, ECHILD);
	}
	return done();
}
