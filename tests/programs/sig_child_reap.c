/* SPDX-License-Identifier: MIT */
/* A SIGCHLD handler reaps all children; with SIG_IGN they reap themselves. */
#include "check.h"

#define CHILDREN 10

static volatile sig_atomic_t reaped, sum;

static void handler(int sig)
{
	int status, saved = errno;

	(void)sig;
	while (waitpid(-1, &status, WNOHANG) > 0) {
		reaped++;
		sum += WEXITSTATUS(status);
	}
	errno = saved;
}

int main(void)
{
	struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART | SA_NOCLDSTOP};
	sigset_t block, open;
	int i;
	pid_t pid;

	CHECK_EQ(sigaction(SIGCHLD, &sa, NULL), 0);
	sigemptyset(&block);
	sigaddset(&block, SIGCHLD);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &block, &open), 0);
	for (i = 0; i < CHILDREN; i++) {
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0)
			_exit(i);
	}
	while (reaped < CHILDREN)
		CHECK_ERR(sigsuspend(&open), EINTR);
	CHECK_EQ(sum, CHILDREN * (CHILDREN - 1) / 2);
	CHECK_ERR(waitpid(-1, NULL, WNOHANG), ECHILD);
	CHECK(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(1);
	CHECK_ERR(waitpid(pid, NULL, 0), ECHILD);
	printf("%d\n", sum);
	return done();
}
