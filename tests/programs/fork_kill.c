/* SPDX-License-Identifier: MIT */
/*
 * A process that makes children, by fork or vfork, is killed at any moment, also before it knows of
 * a child that it has: those live on, say so, and are adopted.
 */
#include "check.h"
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>

enum { ROUNDS = 60 };

static const int death[] = {SIGKILL, SIGTERM, SIGKILL, SIGALRM};

static _Noreturn void parent(int out, bool shares)
{
	for (;;) {
		pid_t pid = shares ? vfork() : fork();

		if (pid == 0) {
			char byte = 'x';

			if (write(out, &byte, 1) != 1)
				_exit(1);
			getppid(); /* whoever that is by now */
			_exit(write(out, &byte, 1) != 1);
		}
		if (pid < 0)
			_exit(2);
		if (waitpid(pid, NULL, 0) != pid)
			_exit(3);
	}
}

int main(void)
{
	int status;

	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	for (int round = 0; round < ROUNDS; round++) {
		int out[2], signal = death[round % 4];
		char byte;
		pid_t pid;

		CHECK_EQ(pipe(out), 0);
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0)
			parent(out[1], round % 3 == 2);
		CHECK_EQ(close(out[1]), 0);
		for (int i = 0; i < 1 + round % 7; i++)
			CHECK_EQ(read(out[0], &byte, 1), 1);
		for (volatile int spin = 0; spin < 997 * round % 20000; spin++)
			;
		CHECK_EQ(kill(pid, signal), 0);
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == signal);
		while (read(out[0], &byte, 1) == 1)
			;
		CHECK_EQ(close(out[0]), 0);
		while (waitpid(-1, &status, 0) > 0)
			CHECK_EQ(status, 0);
		CHECK_EQ(errno, ECHILD);
	}
	return done();
}
