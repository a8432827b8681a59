/* SPDX-License-Identifier: MIT */
/* expect: exit 9 */
/* What a process keeps over exec, and what it loses. */
#include "check.h"
#include <sys/resource.h>

static void handler(int sig)
{
	(void)sig;
	_exit(98);
}

static void after(const char *pid)
{
	struct sigaction sa;
	sigset_t mask, pending;
	struct rlimit limit;
	stack_t ss;

	CHECK_EQ(getpid(), atoi(pid));
	CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
	for (int sig = 1; sig < 32; sig++)
		CHECK_EQ(sigismember(&mask, sig),
			 sig == SIGUSR1 || sig == SIGSEGV || sig == SIGSYS);
	for (int sig = 1; sig < 32; sig++) {
		CHECK_EQ(sigaction(sig, NULL, &sa), 0);
		if (sig != SIGUSR1)
			CHECK(sa.sa_handler ==
			      (sig == SIGINT || sig == SIGPIPE ? SIG_IGN : SIG_DFL));
	}
	CHECK_EQ(sigpending(&pending), 0);
	CHECK_EQ(sigismember(&pending, SIGUSR1), 1);
	CHECK_EQ(sigaltstack(NULL, &ss), 0);
	CHECK(ss.ss_flags & SS_DISABLE);
	CHECK_EQ(umask(0), 027);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_EQ(limit.rlim_cur, 16);
	CHECK_EQ(access("here", F_OK), 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 15);
	CHECK_EQ(alarm(0) > 0, 1);
	CHECK_EQ(fcntl(5, F_GETFD), 0);
	CHECK_ERR(fcntl(6, F_GETFD), EBADF);
	/* The first free number is the one it was. */
	CHECK_EQ(dup(0), 3);
}

int main(int argc, char **argv)
{
	char pid[16], *args[] = {argv[0], pid, NULL}, path[4096];
	static char stack[65536];
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction sa = {.sa_handler = handler};
	struct rlimit limit;
	sigset_t mask;

	if (argc > 1) {
		after(argv[1]);
		return 9;
	}
	CHECK(realpath(argv[0], path));
	enter_scratch();
	write_file("here", "");
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigaddset(&mask, SIGSEGV);
	sigaddset(&mask, SIGSYS);
	CHECK_EQ(sigprocmask(SIG_SETMASK, &mask, NULL), 0);
	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	CHECK_EQ(sigaction(SIGUSR2, &sa, NULL), 0);
	CHECK(signal(SIGINT, SIG_IGN) != SIG_ERR);
	CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(sigaltstack(&ss, NULL), 0);
	umask(027);
	CHECK_EQ(dup2(0, 5), 5);
	CHECK_EQ(dup3(0, 6, O_CLOEXEC), 6);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 16;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 15), 0);
	CHECK_EQ(alarm(1000), 0);
	snprintf(pid, sizeof(pid), "%d", getpid());
	execv(path, args);
	return 99;
}
