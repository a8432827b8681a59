/* SPDX-License-Identifier: MIT */
/*
 * Runs a command in a session of its own and leaves what run.sh judges:
 *
 *   session SECONDS DIR SUFFIX COMMAND...
 *
 *   DIR/stdoutSUFFIX, DIR/stderrSUFFIX  what it printed
 *   DIR/statusSUFFIX                    its exit status, 128 + signal, or 124 when it was ended
 *                                       because its time was over
 *   DIR/leftSUFFIX                      only if there were any: processes of it that didn't end
 *                                       within a second of it, "PID (NAME)" each
 *
 * The command starts in DIR/tmp, which TMPDIR names too, with descriptors 0, 1 and 2 alone and no
 * signal ignored. This process is the reaper of all that descends from the command, so nothing
 * gets away from it, daemons neither. All of it ends with this process, or with its parent.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GRACE_MS 1000     /* for what a command leaves to end by itself */
#define TERM_MS 2000      /* between SIGTERM and SIGKILL, when time is over */
#define STATUS_LATE 124   /* as timeout(1) says it */
#define STATUS_BROKEN 125 /* this program itself failed */

static const char *dir, *suffix;
static pid_t command;
static int status = -1; /* of the command: none yet */

static void __attribute__((noreturn)) broken(const char *what)
{
	fprintf(stderr, "session: %s: %s\n", what, strerror(errno));
	exit(STATUS_BROKEN);
}

static const char *path(const char *name)
{
	static char text[4096];

	snprintf(text, sizeof(text), "%s/%s", dir, name);
	return text;
}

static int result(const char *name)
{
	char file[64];
	int fd;

	snprintf(file, sizeof(file), "%s%s", name, suffix);
	fd = open(path(file), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		broken(path(file));
	return fd;
}

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

/* Reaps what has ended; false when no process is left. */
static bool reap(void)
{
	pid_t pid;
	int ended;

	while ((pid = waitpid(-1, &ended, WNOHANG)) > 0)
		if (pid == command)
			status = WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
	return pid == 0;
}

/* Names the children that are left, if `left` is there, and kills them; then those they had. */
static void end_all(FILE *left)
{
	while (reap()) {
		FILE *children = fopen("/proc/thread-self/children", "re");
		char file[64], name[64];
		int pid;

		if (!children)
			broken("/proc/thread-self/children");
		while (fscanf(children, "%d", &pid) == 1) {
			FILE *comm;

			snprintf(file, sizeof(file), "/proc/%d/comm", pid);
			comm = fopen(file, "re");
			if (left && comm && fscanf(comm, "%63[^\n]", name) == 1)
				fprintf(left, "%d (%s)\n", pid, name);
			if (comm)
				fclose(comm);
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
		}
		fclose(children);
	}
}

/* Until the command has ended, or all that it has left, or the time is over. */
static bool wait_for(const sigset_t *signals, bool all, long long until)
{
	for (;;) {
		bool some = reap();
		long long left = until - now_ms();
		struct timespec t = {left / 1000, left % 1000 * 1000000};
		int signal;

		if (all ? !some : status >= 0)
			return true;
		if (left <= 0)
			return false;
		signal = sigtimedwait(signals, NULL, &t);
		if (signal > 0 && signal != SIGCHLD) {
			end_all(NULL);
			_exit(128 + signal);
		}
	}
}

static void __attribute__((noreturn)) become(char **argv, int out, int err)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (setsid() < 0 || dup2(open("/dev/null", O_RDONLY), 0) < 0 || dup2(out, 1) < 0 ||
	    dup2(err, 2) < 0 || close_range(3, ~0u, 0) < 0)
		broken("the command's descriptors");
	execvp(argv[0], argv);
	broken(argv[0]);
}

int main(int argc, char **argv)
{
	int out, err;
	sigset_t signals;

	if (argc < 5) {
		fprintf(stderr, "usage: session SECONDS DIR SUFFIX COMMAND...\n");
		return STATUS_BROKEN;
	}
	dir = argv[2];
	suffix = argv[3];
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		broken("PR_SET_CHILD_SUBREAPER");

	out = result("stdout");
	err = result("stderr");
	if ((mkdir(path("tmp"), 0777) < 0 && errno != EEXIST) || chmod(path("tmp"), 0777) < 0 ||
	    setenv("TMPDIR", path("tmp"), 1) < 0)
		broken(path("tmp"));
	command = fork();
	if (command < 0)
		broken("fork");
	if (command == 0) {
		if (chdir(path("tmp")) < 0)
			broken(path("tmp"));
		become(argv + 4, out, err);
	}

	if (!wait_for(&signals, false, now_ms() + atoll(argv[1]) * 1000)) {
		kill(-command, SIGTERM);
		if (!wait_for(&signals, false, now_ms() + TERM_MS))
			kill(-command, SIGKILL);
		wait_for(&signals, false, now_ms() + TERM_MS);
		status = STATUS_LATE;
	}
	dprintf(result("status"), "%d\n", status);
	if (!wait_for(&signals, true, now_ms() + GRACE_MS)) {
		FILE *left = fdopen(result("left"), "w");

		end_all(left);
		fclose(left);
	}
	return 0;
}
