/* SPDX-License-Identifier: MIT */
/* wait, waitpid with WNOHANG and groups, waitid with WNOWAIT, wait4 with times used. */
#include "check.h"
#include <sys/resource.h>

static pid_t child(int code, int gate)
{
	char c;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		if (gate >= 0)
			CHECK_EQ(read(gate, &c, 1), 1);
		_exit(code);
	}
	return pid;
}

int main(void)
{
	struct rusage ru;
	siginfo_t si;
	int status, p[2];
	pid_t pid, a, b;

	CHECK_EQ(pipe(p), 0);
	pid = child(1, p[0]);
	CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
	memset(&si, 0xff, sizeof(si));
	CHECK_EQ(waitid(P_PID, pid, &si, WEXITED | WNOHANG), 0);
	CHECK_EQ(si.si_pid, 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(wait(&status), pid);
	CHECK_EQ(WEXITSTATUS(status), 1);

	pid = child(2, -1);
	CHECK_EQ(waitid(P_PID, pid, &si, WEXITED | WNOWAIT), 0);
	CHECK_EQ(si.si_pid, pid);
	CHECK_EQ(si.si_code, CLD_EXITED);
	CHECK_EQ(si.si_status, 2);
	CHECK_EQ(si.si_signo, SIGCHLD);
	CHECK_EQ(waitid(P_ALL, 0, &si, WEXITED), 0);
	CHECK_EQ(si.si_pid, pid);

	memset(&ru, 0xff, sizeof(ru));
	pid = child(3, -1);
	CHECK_EQ(wait4(pid, &status, 0, &ru), pid);
	CHECK_EQ(WEXITSTATUS(status), 3);
	CHECK(ru.ru_utime.tv_sec >= 0 && ru.ru_utime.tv_sec < 10 && ru.ru_maxrss > 0);
	disclose(&ru, sizeof(ru));

	a = child(4, -1);
	b = child(5, -1);
	CHECK_EQ(waitpid(b, &status, 0), b);
	CHECK_EQ(WEXITSTATUS(status), 5);
	CHECK_EQ(waitpid(0, &status, 0), a);
	CHECK_EQ(WEXITSTATUS(status), 4);
	CHECK_ERR(waitpid(a, &status, 0), ECHILD);
	CHECK_ERR(waitid(P_ALL, 0, &si, WEXITED), ECHILD);
	CHECK_ERR(waitpid(getpid(), &status, 0), ECHILD);
	return done();
}
