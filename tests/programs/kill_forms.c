/* SPDX-License-Identifier: MIT */
/* kill, tgkill, sigqueue and pidfd_send_signal to oneself and to a child; signal 0; errors. */
#include "check.h"
#include <sys/pidfd.h>
#include <sys/syscall.h>

static volatile sig_atomic_t count, last;

static void handler(int sig)
{
	count++;
	last = sig;
}

int main(void)
{
	union sigval v = {.sival_int = 0};
	int status, fd;
	pid_t pid;

	CHECK(signal(SIGUSR1, handler) != SIG_ERR);
	CHECK(signal(SIGUSR2, handler) != SIG_ERR);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK(count == 1 && last == SIGUSR1);
	CHECK_EQ(syscall(SYS_tgkill, getpid(), gettid(), SIGUSR2), 0);
	CHECK(count == 2 && last == SIGUSR2);
	CHECK_EQ(sigqueue(getpid(), SIGUSR1, v), 0);
	CHECK_EQ(count, 3);
	CHECK_EQ(kill(getpid(), 0), 0);
	CHECK_ERR(kill(getpid(), 1000), EINVAL);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		for (;;)
			pause();
	CHECK_EQ(kill(pid, 0), 0);
	fd = pidfd_open(pid, 0);
	if (fd >= 0)
		CHECK_EQ(pidfd_send_signal(fd, SIGKILL, NULL, 0), 0);
	else
		CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK_ERR(kill(pid, 0), ESRCH);
	return done();
}
