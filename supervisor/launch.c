/* SPDX-License-Identifier: MIT */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "follow.h"
#include "lead.h"
#include "libraries.h"
#include "program.h"
#include "stop.h"

/* What a child says about itself when it can't become its program. */
struct failure {
	int error;
	int what; /* enum step */
};

enum step { STEP_DESCRIPTORS, STEP_ENVIRONMENT, STEP_EXEC };

static __attribute__((noreturn)) void fail(int report, enum step what, int error)
{
	const struct failure f = {error, what};

	/* Whoever would read it is gone if this fails. */
	if (write(report, &f, sizeof(f)) != sizeof(f))
		_exit(STATUS_KILLED);
	_exit(STATUS_SETUP);
}

/* A follower has no terminal and no standard streams: what it writes is only compared. */
static int detach(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || setsid() < 0)
		return -errno;
	for (int fd = 0; fd < 3; fd++) {
		if (dup2(null, fd) < 0)
			return -errno;
	}
	return 0;
}

static int environment(const struct running *r, unsigned v, int base)
{
	const struct config_variant *c = &r->config->variants[v];
	char handle[128];

	/* As session.h says; the monitor learns its virtual pid from the stream. */
	snprintf(handle, sizeof(handle), "%d:%u:%u:0:0:0:0:%d", base, v,
		 session_follower(&r->files, v), (int)getpid());
	for (size_t i = 0; i < c->n_env; i++) {
		if (putenv(c->env[i]) != 0)
			return -ENOMEM;
	}
	if (setenv(SESSION_ENV, handle, 1) < 0 ||
	    setenv("LD_PRELOAD", r->files.session->preload[v], 1) < 0)
		return -errno;
	return 0;
}

static __attribute__((noreturn)) void become(const struct running *r, unsigned v,
					     const char *program, int base, int report)
{
	const struct config_variant *c = &r->config->variants[v];
	bool leader = v == r->files.session->leader;
	int error;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != r->files.session->supervisor)
		_exit(STATUS_KILLED);
	error = session_hand_over(&r->files, v, base, r->guarded->life[0]);
	if (!error && !leader)
		error = detach();
	if (!error && setrlimit(RLIMIT_NOFILE, &r->descriptors) < 0)
		error = -errno;
	if (error)
		fail(report, STEP_DESCRIPTORS, -error);
	error = environment(r, v, base);
	if (error)
		fail(report, STEP_ENVIRONMENT, -error);
	signal(SIGXFSZ, r->file_size_handler);
	if (c->cpus)
		sched_setaffinity(0, sizeof(c->cpu_set), &c->cpu_set); /* checked before */
	if (r->guarded->ignores_children)
		signal(SIGCHLD, SIG_IGN);
	sigprocmask(SIG_SETMASK, &r->guarded->mask, NULL);
	execvp(program, r->argv);
	fail(report, STEP_EXEC, errno);
}

int launch_find(const char *name, char *path, size_t size)
{
	const char *at = getenv("PATH");
	int error = -ENOENT;

	if (strchr(name, '/'))
		return snprintf(path, size, "%s", name) < (int)size ? 0 : -ENAMETOOLONG;
	if (!*name)
		return -ENOENT;
	if (!at)
		at = "/bin:/usr/bin";
	for (;; at++) {
		size_t n = strcspn(at, ":");

		if (snprintf(path, size, "%.*s%s%s", (int)n, at, n ? "/" : "./", name) <
		    (int)size) {
			if (access(path, X_OK) == 0)
				return 0;
			if (errno == EACCES)
				error = -EACCES;
		}
		at += n;
		if (!*at)
			return error;
	}
}

static int check(struct running *r, unsigned v, char *path, size_t size)
{
	const char *exec = r->config->variants[v].exec;
	const char *name = exec ? exec : r->argv[0];
	char why[256] = "";
	int error = launch_find(name, path, size);

	if (!error)
		error = program_check(path, why, sizeof(why));
	if (!error)
		return STATUS_GO_ON;
	if (error == -ENOEXEC && *why)
		return stop_saying(r, STATUS_SETUP, "%s can't run as a variant: %s", path, why);
	return stop_saying(r, STATUS_SETUP, "%s: can't be executed: %s", name, strerror(-error));
}

static int explain(struct running *r, unsigned v, const char *program, const struct failure *f)
{
	int id = r->config->variants[v].id;

	if (f->what == STEP_EXEC)
		return stop_saying(r, STATUS_SETUP, "variant %d: %s: can't be executed: %s", id,
				   program, strerror(f->error));
	return stop_saying(r, STATUS_SETUP, "variant %d: its %s can't be set up: %s%s", id,
			   f->what == STEP_DESCRIPTORS ? "descriptors" : "environment",
			   strerror(f->error),
			   f->error == ENOENT ? " (is /proc mounted?)"
			   : f->error == EMFILE || f->error == EBADF
				   ? "; raise the limit on open files (ulimit -n)"
				   : "");
}

static int launch(struct running *r, unsigned v, const char *program, int base)
{
	struct failure failure;
	int report[2], error;
	ssize_t n;

	if (pipe2(report, O_CLOEXEC) < 0)
		return stop_saying(r, STATUS_SETUP, "variant %d can't be started: pipe: %s",
				   r->config->variants[v].id, strerror(errno));
	if (report[1] >= base)
		return stop_saying(r, STATUS_SETUP,
				   "too few descriptors for a session; raise the limit on open "
				   "files (ulimit -n)");
	r->root[v].pid = fork();
	if (r->root[v].pid == 0)
		become(r, v, program, base, report[1]);
	error = errno;
	close(report[1]);
	/* Ends with exec, or with the child. */
	do {
		n = read(report[0], &failure, sizeof(failure));
	} while (n < 0 && errno == EINTR);
	close(report[0]);
	if (r->root[v].pid < 0)
		return stop_saying(r, STATUS_SETUP, "variant %d can't be started: fork: %s",
				   r->config->variants[v].id, strerror(error));
	if (n == sizeof(failure))
		return explain(r, v, program, &failure);
	run_verbose(r, "variant %d (%s) is %s, pid %d", r->config->variants[v].id, run_role(r, v),
		    program, (int)r->root[v].pid);
	return STATUS_GO_ON;
}

static int cant_equalise(struct running *r, const char *why)
{
	return stop_saying(r, STATUS_SETUP,
			   "the libraries that the variants start with can't be made alike: %s",
			   why);
}

/* On the leader's host, other hosts' followers are started before the leader is. */
static int prepare_lead(struct running *r, char *lists[SESSION_VARIANTS])
{
	size_t from[SESSION_VARIANTS];
	int status = lead_prepared(r, lists);
	char why[512];

	for (unsigned v = 0; v < r->config->n_variants; v++)
		from[v] = strlen(r->files.session->preload[v]);
	if (status == STATUS_GO_ON && libraries_differ(r->config) &&
	    libraries_equalise(r->files.session, r->config, lists, why, sizeof(why)))
		status = cant_equalise(r, why);
	return status == STATUS_GO_ON ? lead_launch(r, from) : status;
}

static int prepare(struct running *r, char *const programs[SESSION_VARIANTS])
{
	char *lists[SESSION_VARIANTS] = {0};
	int status = STATUS_GO_ON, error = 0;

	for (unsigned v = 0; libraries_differ(r->config) && v < r->config->n_variants; v++) {
		if (hosts_here(r, v) && !error)
			lists[v] = libraries_list(&r->config->variants[v], programs[v], &error);
	}
	if (error)
		status = cant_equalise(r, strerror(-error));
	if (status == STATUS_GO_ON)
		status = hosts_follow(r) ? follow_prepare(r, lists[r->hosts->self])
					 : prepare_lead(r, lists);
	for (unsigned v = 0; v < r->config->n_variants; v++) {
		if (hosts_here(r, v))
			free(lists[v]);
	}
	return status;
}

int launch_all(struct running *r)
{
	rlim_t soft = r->descriptors.rlim_cur;
	int base = session_place(&r->files, soft < 1024 ? (int)soft : 1024);
	static char program[SESSION_VARIANTS][PATH_MAX];
	char *programs[SESSION_VARIANTS] = {0};
	int status;

	if (base < 0)
		return stop_saying(r, STATUS_SETUP,
				   "no room for the session's descriptors below %llu; raise the "
				   "limit on open files (ulimit -n)",
				   (unsigned long long)(soft < 1024 ? soft : 1024));
	for (unsigned v = 0; v < r->config->n_variants; v++) {
		programs[v] = program[v];
		status = hosts_here(r, v) ? check(r, v, program[v], sizeof(program[v]))
					  : STATUS_GO_ON;
		if (status != STATUS_GO_ON)
			return status;
	}
	status = prepare(r, programs);
	r->launched = tnd_monotonic();
	for (unsigned v = 0; status == STATUS_GO_ON && v < r->config->n_variants; v++) {
		if (hosts_here(r, v))
			status = launch(r, v, program[v], base);
	}
	if (status == STATUS_GO_ON && hosts_follow(r))
		follow_ready(r);
	return status;
}
