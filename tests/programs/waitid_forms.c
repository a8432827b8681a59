/* SPDX-License-Identifier: MIT */
/* waitid by process, group, pidfd and any; WNOWAIT, WNOHANG, and what siginfo says. */
#include "check.h"

#include <sys/syscall.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static pid_t child(int code)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		_exit(code);
	return pid;
}

static pid_t killed(int sig)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		for (;;)
			pause();
	}
	CHECK_EQ(kill(pid, sig), 0);
	return pid;
}

static void check(const siginfo_t *info, pid_t pid, int code, int status)
{
	CHECK_EQ(info->si_signo, SIGCHLD);
	CHECK_EQ(info->si_pid, pid);
	CHECK_EQ(info->si_uid, getuid());
	CHECK_EQ(info->si_code, code);
	CHECK_EQ(info->si_status, status);
}

int main(void)
{
	siginfo_t info;
	pid_t pid;
	int fd, status, p[2];
	char c;

	pid = child(3);
	CHECK_EQ(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
	check(&info, pid, CLD_EXITED, 3);
	CHECK_EQ(waitid(P_PID, pid, &info, WEXITED), 0); /* it was left there */
	check(&info, pid, CLD_EXITED, 3);
	CHECK_ERR(waitid(P_PID, pid, &info, WEXITED), ECHILD);

	pid = killed(SIGTERM);
	CHECK_EQ(waitid(P_ALL, 0, &info, WEXITED), 0);
	check(&info, pid, CLD_KILLED, SIGTERM);

	pid = child(4);
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	CHECK(fd >= 0);
	CHECK_EQ(waitid(P_PIDFD, fd, &info, WEXITED), 0);
	check(&info, pid, CLD_EXITED, 4);
	CHECK_EQ(close(fd), 0);

	pid = child(5);
	CHECK_EQ(waitid(P_PGID, getpgrp(), &info, WEXITED), 0);
	check(&info, pid, CLD_EXITED, 5);

	CHECK_EQ(pipe(p), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		raise(SIGSTOP);
		CHECK_EQ(read(p[0], &c, 1), 1); /* until it was seen to go on */
		_exit(6);
	}
	CHECK_EQ(waitid(P_PID, pid, &info, WSTOPPED), 0);
	check(&info, pid, CLD_STOPPED, SIGSTOP);
	memset(&info, 0xff, sizeof(info));
	CHECK_EQ(waitid(P_PID, pid, &info, WEXITED | WNOHANG), 0);
	CHECK_EQ(info.si_pid, 0); /* nothing yet */
	CHECK_EQ(kill(pid, SIGCONT), 0);
	CHECK_EQ(waitid(P_PID, pid, &info, WCONTINUED), 0);
	check(&info, pid, CLD_CONTINUED, SIGCONT);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(waitid(P_PID, pid, NULL, WEXITED), 0);

	pid = child(7);
	CHECK_EQ(waitpid(0, &status, 0), pid); /* any of the group */
	CHECK_EQ(WEXITSTATUS(status), 7);
	pid = child(8);
	CHECK_EQ(waitpid(-getpgrp(), &status, 0), pid);
	CHECK_EQ(WEXITSTATUS(status), 8);
	CHECK_ERR(waitid(P_ALL, 0, &info, 0), EINVAL);
	return done();
}
