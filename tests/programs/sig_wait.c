/* SPDX-License-Identifier: MIT */
/* sigwaitinfo, sigtimedwait, sigwait: values, the time limit, a signal from a child. */
#include "check.h"

int main(void)
{
	struct timespec none = {0, 0}, some = {0, 5000000};
	union sigval v = {.sival_int = 5};
	siginfo_t si;
	sigset_t set;
	int sig;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGCHLD);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_ERR(sigtimedwait(&set, &si, &none), EAGAIN);
	CHECK_ERR(sigtimedwait(&set, &si, &some), EAGAIN);
	CHECK_EQ(sigqueue(getpid(), SIGRTMIN, v), 0);
	v.sival_int = 6;
	CHECK_EQ(sigqueue(getpid(), SIGRTMIN, v), 0);
	CHECK_EQ(sigwaitinfo(&set, &si), SIGRTMIN);
	CHECK_EQ(si.si_value.sival_int, 5);
	CHECK_EQ(sigtimedwait(&set, &si, &some), SIGRTMIN);
	CHECK_EQ(si.si_value.sival_int, 6);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQ(kill(getppid(), SIGUSR1), 0);
		pause_ms(5);
		_exit(3);
	}
	CHECK_EQ(sigwaitinfo(&set, &si), SIGUSR1);
	CHECK_EQ(si.si_pid, pid);
	CHECK_EQ(sigwaitinfo(&set, &si), SIGCHLD);
	CHECK(si.si_pid == pid && si.si_status == 3 && si.si_code == CLD_EXITED);
	CHECK_EXIT(pid, 3);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(sigwait(&set, &sig), 0);
	CHECK_EQ(sig, SIGUSR1);
	return done();
}
