/* SPDX-License-Identifier: MIT */
/*
 * A process group that forks all the time gets a signal that is handled: every member's handler
 * runs, in itself or in the parent before it was made, so none goes on.
 */
#include "check.h"
#include <signal.h>

enum { ROUNDS = 60 };

static volatile sig_atomic_t over;

static void end(int signal)
{
	(void)signal;
	over = 1;
}

static _Noreturn void member(int out)
{
	while (!over) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid > 0) {
			/* The next generation goes on. */
			while (waitpid(pid, NULL, 0) != pid)
				;
			break;
		}
		CHECK_EQ(write(out, "x", 1), 1);
	}
	_exit(0);
}

int main(void)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct sigaction a = {.sa_handler = end, .sa_flags = SA_RESTART};
		int out[2];
		char byte;
		pid_t pid;

		CHECK_EQ(pipe(out), 0);
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			CHECK_EQ(sigaction(SIGUSR1, &a, NULL), 0);
			CHECK_EQ(setpgid(0, 0), 0);
			member(out[1]);
		}
		CHECK_EQ(close(out[1]), 0);
		for (int i = 0; i < 1 + round % 3; i++)
			CHECK_EQ(read(out[0], &byte, 1), 1);
		for (volatile int spin = 0; spin < 997 * round % 20000; spin++)
			;
		CHECK_EQ(kill(-pid, SIGUSR1), 0);
		while (read(out[0], &byte, 1) == 1)
			;
		CHECK_EQ(close(out[0]), 0);
		CHECK_EXIT(pid, 0);
	}
	return done();
}
