/* SPDX-License-Identifier: MIT */
/* signalfd: number, sender and value of signals, several in one read, the mask changed. */
#include "check.h"
#include <poll.h>
#include <sys/signalfd.h>

int main(void)
{
	struct signalfd_siginfo si[4];
	sigset_t set;
	union sigval value = {.sival_int = 77};
	struct pollfd p = {.events = POLLIN};
	int fd;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGCHLD);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	CHECK(fd >= 0);
	CHECK_ERR(read(fd, si, sizeof(si)), EAGAIN);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(sigqueue(getpid(), SIGUSR2, value), 0);
	CHECK_EQ(read(fd, si, sizeof(si)), 2 * sizeof(si[0]));
	CHECK_EQ(si[0].ssi_signo, SIGUSR1);
	CHECK_EQ(si[0].ssi_pid, getpid());
	CHECK_EQ(si[1].ssi_signo, SIGUSR2);
	CHECK_EQ(si[1].ssi_code, SI_QUEUE);
	CHECK_EQ(si[1].ssi_int, 77);
	CHECK_EQ(si[1].ssi_uid, getuid());
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(9);
	p.fd = fd;
	CHECK_EQ(poll(&p, 1, 2000), 1);
	CHECK_EQ(read(fd, si, sizeof(si)), sizeof(si[0]));
	CHECK_EQ(si[0].ssi_signo, SIGCHLD);
	CHECK_EQ(si[0].ssi_pid, pid);
	CHECK_EQ(si[0].ssi_status, 9);
	CHECK_EXIT(pid, 9);
	sigdelset(&set, SIGUSR1);
	CHECK_EQ(signalfd(fd, &set, 0), fd);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_ERR(read(fd, si, sizeof(si)), EAGAIN);
	return done();
}
