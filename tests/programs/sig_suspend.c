/* SPDX-License-Identifier: MIT */
/* sigsuspend and pause wait for a child's signals; the handler counts all of them. */
#include "check.h"

static volatile sig_atomic_t hits;

static void handler(int sig)
{
	(void)sig;
	hits++;
}

int main(void)
{
	sigset_t block, open;
	int i, p[2];
	char c;
	pid_t pid;

	CHECK(signal(SIGUSR1, handler) != SIG_ERR);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &block, &open), 0);
	CHECK_EQ(pipe(p), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		for (i = 0; i < 20; i++) {
			CHECK_EQ(kill(getppid(), SIGUSR1), 0);
			CHECK_EQ(read(p[0], &c, 1), 1); /* one at a time */
		}
		_exit(0);
	}
	for (i = 0; i < 20; i++) {
		CHECK_EQ(hits, i);
		CHECK_ERR(sigsuspend(&open), EINTR);
		CHECK_EQ(hits, i + 1);
		CHECK_EQ(write(p[1], "n", 1), 1);
	}
	CHECK_EXIT(pid, 0);
	printf("%d\n", hits);
	return done();
}
