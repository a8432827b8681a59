/* SPDX-License-Identifier: MIT */
/* WUNTRACED and WCONTINUED: a child that stops itself and is continued. */
#include "check.h"

int main(void)
{
	siginfo_t si;
	int status, p[2];
	char c;
	pid_t pid;

	CHECK_EQ(pipe(p), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQ(raise(SIGSTOP), 0);
		CHECK_EQ(read(p[0], &c, 1), 1); /* until it was seen to go on */
		_exit(5);
	}
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(WSTOPSIG(status), SIGSTOP);
	CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
	CHECK_EQ(kill(pid, SIGCONT), 0);
	CHECK_EQ(waitid(P_PID, pid, &si, WCONTINUED), 0);
	CHECK_EQ(si.si_code, CLD_CONTINUED);
	CHECK_EQ(si.si_status, SIGCONT);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EXIT(pid, 5);
	return done();
}
