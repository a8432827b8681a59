/* SPDX-License-Identifier: MIT */
/* How children die: abort, SIGKILL, SIGSEGV, SIGPIPE, a default SIGALRM, an ignored signal. */
#include "check.h"

static int run(int what)
{
	int status, p[2];
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		switch (what) {
		case 0:
			abort();
		case 1:
			kill(getpid(), SIGKILL);
			break;
		case 2:
			*(volatile int *)8 = 1;
			break;
		case 3:
			CHECK_EQ(pipe(p), 0);
			CHECK_EQ(close(p[0]), 0);
			CHECK_EQ(write(p[1], "x", 1), 1);
			break;
		case 4:
			ualarm(5000, 0);
			for (;;)
				pause();
		case 5:
			__builtin_trap();
		case 6:
			CHECK(signal(SIGTERM, SIG_IGN) != SIG_ERR);
			CHECK_EQ(raise(SIGTERM), 0);
			break;
		}
		_exit(50);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 100 + WEXITSTATUS(status);
}

int main(void)
{
	static const int want[] = {SIGABRT, SIGKILL, SIGSEGV, SIGPIPE, SIGALRM, SIGILL, 150};
	int i;

	for (i = 0; i < 7; i++)
		CHECK_EQ(run(i), want[i]);
	return done();
}
