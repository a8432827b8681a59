/* SPDX-License-Identifier: MIT */
/* SA_SIGINFO: number, code, pid, uid and value, from kill, sigqueue and another process. */
#include "check.h"

static volatile int signo, code, value;
static volatile pid_t pid;
static volatile uid_t uid;

static void handler(int sig, siginfo_t *si, void *uc)
{
	CHECK(uc != NULL);
	CHECK_EQ(sig, si->si_signo);
	signo = sig;
	code = si->si_code;
	pid = si->si_pid;
	uid = si->si_uid;
	value = si->si_value.sival_int;
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO}, old;
	union sigval v = {.sival_int = 123456};
	sigset_t block, open;
	pid_t child;

	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	CHECK_EQ(sigaction(SIGRTMIN + 3, &sa, NULL), 0);
	CHECK_EQ(sigaction(SIGUSR1, NULL, &old), 0);
	CHECK(old.sa_sigaction == handler && (old.sa_flags & SA_SIGINFO));
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK(signo == SIGUSR1 && code == SI_USER && pid == getpid() && uid == getuid());
	CHECK_EQ(sigqueue(getpid(), SIGRTMIN + 3, v), 0);
	CHECK(signo == SIGRTMIN + 3 && code == SI_QUEUE && value == 123456);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK(signo == SIGUSR1 && code == SI_TKILL && pid == getpid());

	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &block, &open), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		v.sival_int = 777;
		CHECK_EQ(sigqueue(getppid(), SIGUSR1, v), 0);
		_exit(0);
	}
	CHECK_ERR(sigsuspend(&open), EINTR);
	CHECK(signo == SIGUSR1 && code == SI_QUEUE && value == 777);
	CHECK_EQ(pid, child);
	CHECK_EXIT(child, 0);
	CHECK_ERR(sigaction(SIGKILL, &sa, NULL), EINVAL);
	return done();
}
