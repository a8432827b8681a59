/* SPDX-License-Identifier: MIT */
/* A library whose constructor makes the calls that a trap in front of main has to be careful with.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int early_steps;

static void handler(int sig)
{
	(void)sig;
	early_steps++;
}

static int exits_with(pid_t pid, int code)
{
	int status;

	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == code;
}

__attribute__((constructor)) static void early(void)
{
	struct sigaction sa = {.sa_handler = handler}, old;
	static char stack[65536];
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)}, now;
	sigset_t all, before;
	pid_t pid;

	/* All signals blocked, then as before. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	early_steps += getpid() > 0;
	sigprocmask(SIG_SETMASK, &before, &all);
	early_steps += sigismember(&all, SIGTERM) == 1;
	/* A handler and the return from it. */
	sigaction(SIGUSR2, &sa, &old);
	sigemptyset(&all);
	sigaddset(&all, SIGUSR2);
	sigprocmask(SIG_UNBLOCK, &all, &before);
	raise(SIGUSR2);
	sigprocmask(SIG_SETMASK, &before, NULL);
	sigaction(SIGUSR2, &old, NULL);
	/* Another stack stays another stack. */
	sigaltstack(&ss, NULL);
	early_steps += getppid() > 0 && sigaltstack(NULL, &now) == 0 && now.ss_sp == stack;
	ss.ss_flags = SS_DISABLE;
	sigaltstack(&ss, NULL);
	/* Children. */
	pid = fork();
	if (pid == 0)
		_exit(7);
	early_steps += exits_with(pid, 7);
	pid = vfork();
	if (pid == 0)
		_exit(8);
	early_steps += exits_with(pid, 8);
}
