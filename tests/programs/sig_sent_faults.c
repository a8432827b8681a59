/* SPDX-License-Identifier: MIT */
/* SIGSEGV and its like sent by kill: handled, blocked and ignored as any other signal. */
#include "check.h"

static volatile int count, code;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	count++;
	code = info->si_code;
}

int main(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t set, old;
	pid_t pid;
	int status;

	for (unsigned i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		int sig = signals[i];

		count = 0;
		CHECK_EQ(sigaction(sig, &sa, NULL), 0);
		CHECK_EQ(kill(getpid(), sig), 0);
		CHECK_EQ(count, 1);
		CHECK_EQ(code, SI_USER);
		sigemptyset(&set);
		sigaddset(&set, sig);
		CHECK_EQ(sigprocmask(SIG_BLOCK, &set, &old), 0);
		CHECK_EQ(kill(getpid(), sig), 0);
		CHECK_EQ(kill(getpid(), sig), 0);
		CHECK_EQ(count, 1);
		CHECK_EQ(sigprocmask(SIG_SETMASK, &old, NULL), 0);
		CHECK_EQ(count, 2); /* a standard signal is pending once */
		CHECK_EQ(sigaction(sig, &ignore, NULL), 0);
		CHECK_EQ(kill(getpid(), sig), 0);
		CHECK_EQ(count, 2);
		CHECK_EQ(signal(sig, SIG_DFL) == SIG_IGN, 1);
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			kill(getpid(), sig);
			_exit(1);
		}
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK(WIFSIGNALED(status));
		CHECK_EQ(WTERMSIG(status), sig);
	}
	return done();
}
