/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"
#include "tree.h"

static void taken_signals(sigset_t *set)
{
	static const int signals[] = {SIGHUP,  SIGINT,   SIGQUIT, SIGTERM, SIGUSR1,
				      SIGUSR2, SIGWINCH, SIGTSTP, SIGCONT, SIGCHLD};

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaddset(set, signals[i]);
}

/*
 * What a terminal sends reaches the leader by itself, as it is in our process group. The
 * shell's job control sees the guard: it stops when the program is told to.
 */
static void pass_on(int channel, const siginfo_t *info)
{
	const struct guard_signal message = {info->si_signo, info->si_pid};

	if (info->si_code != SI_KERNEL &&
	    send(channel, &message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
	    errno != EPIPE && errno != ECONNRESET)
		fprintf(stderr, "tandem: signal %d can't be passed on: %s\n", info->si_signo,
			strerror(errno));
	if (info->si_signo == SIGTSTP)
		kill(getpid(), SIGSTOP);
}

static int supervisor_gone(int status)
{
	int error;

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	error = tree_kill();
	if (error)
		fprintf(stderr,
			"tandem: the supervisor was killed (signal %d), and its variants can't be "
			"found in /proc: %s; look for what is left of them\n",
			WTERMSIG(status), strerror(-error));
	else
		fprintf(stderr,
			"tandem: the supervisor was killed (signal %d); all variants were ended\n",
			WTERMSIG(status));
	return STATUS_KILLED;
}

static int guard(pid_t supervisor, int channel, const sigset_t *taken)
{
	int status;

	for (;;) {
		siginfo_t info;
		pid_t pid;

		if (sigwaitinfo(taken, &info) < 0)
			continue; /* EINTR, by a stop */
		if (info.si_signo != SIGCHLD) {
			pass_on(channel, &info);
			continue;
		}
		/* Orphans are the supervisor's as long as it lives. */
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			if (pid == supervisor)
				return supervisor_gone(status);
		}
	}
}

int guard_run(int (*supervise)(const struct guarded *g, void *arg), void *arg,
	      bool ignores_children)
{
	struct guarded g = {.guard = getpid(), .ignores_children = ignores_children};
	int ends[2], status;
	pid_t child;

	taken_signals(&g.taken);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 ||
	    pipe2(g.life, O_CLOEXEC) < 0) {
		fprintf(stderr, "tandem: the supervisor can't be started: socketpair, pipe: %s\n",
			strerror(errno));
		return STATUS_SETUP;
	}
	/* For processes that drop their privileges, and for reading only. */
	fchmod(g.life[0], 0444);
	sigprocmask(SIG_BLOCK, &g.taken, &g.mask);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	fflush(NULL);
	child = fork();
	if (child < 0) {
		fprintf(stderr, "tandem: the supervisor can't be started: fork: %s\n",
			strerror(errno));
		return STATUS_SETUP;
	}
	if (child == 0) {
		close(ends[0]);
		g.channel = ends[1];
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		status = supervise(&g, arg);
		fflush(NULL);
		_exit(status); /* destructors of libraries would only copy pages of the guard's */
	}
	close(ends[1]);
	return guard(child, ends[0], &g.taken);
}
