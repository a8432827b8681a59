/* SPDX-License-Identifier: MIT */
#include "run.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arch.h"
#include "events.h"
#include "follow.h"
#include "hosts.h"
#include "launch.h"
#include "machine.h"
#include "status.h"
#include "stop.h"

void run_verbose(const struct running *r, const char *format, ...)
{
	va_list args;

	if (!r->verbose)
		return;
	fputs("tandem: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

/* enum session_trap, and for -v why. */
static unsigned choose_trap(const struct running *r)
{
	struct machine_answer sud;

	if (r->config->trap != CONFIG_TRAP_AUTO) {
		run_verbose(r, "trap %s, as configured", config_trap_name(r->config->trap));
		return r->config->trap == CONFIG_TRAP_SUD ? TRAP_SUD : TRAP_SECCOMP;
	}
	sud = machine_probe(MACHINE_SUD);
	run_verbose(r, "trap %s: syscall user dispatch is %s%s%s", sud.yes ? "sud" : "seccomp",
		    sud.yes ? "there" : "not there", *sud.detail ? ", " : "", sud.detail);
	return sud.yes ? TRAP_SUD : TRAP_SECCOMP;
}

/* Session files, pidfds and status readers need more than the program's soft limit may allow. */
static void raise_limit(struct running *r)
{
	struct rlimit most;

	if (getrlimit(RLIMIT_NOFILE, &r->descriptors) < 0)
		r->descriptors = (struct rlimit){1024, 1024};
	most = r->descriptors;
	most.rlim_cur = most.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &most); /* what then doesn't fit says so itself */
}

/* Finds the other hosts, and starts like the leader. */
static int meet(struct running *r)
{
	int status = hosts_open(r), error;

	if (status == STATUS_GO_ON && hosts_follow(r)) {
		status = follow_start(r);
		/* The environment is another one. */
		error = session_fill_preload(&r->files, r->config, r->library);
		if (status == STATUS_GO_ON && error)
			status = stop_saying(
				r, STATUS_SETUP,
				"the paths of preload and LD_PRELOAD are too long together");
	}
	return status;
}

static int supervise(const struct guarded *g, void *arg)
{
	struct running *r = arg;
	int error, status = STATUS_GO_ON;

	r->guarded = g;
	r->started = tnd_monotonic();
	r->cycles = cpu_cycles();
	raise_limit(r);
	/* Memory that is too large for the limit on files is an error; and no death by that. */
	r->file_size_handler = signal(SIGXFSZ, SIG_IGN);
	error = session_create(&r->files, r->config, r->library, choose_trap(r));
	if (error == 0)
		error = events_open(r);
	if (error) {
		fprintf(stderr, "tandem: the session's memory can't be set up: %s%s\n",
			strerror(-error),
			error == -EMFILE   ? "; raise the limit on open files (ulimit -Hn)"
			: error == -EFBIG  ? "; it counts as files: lift the limit on their size "
					     "(ulimit -f unlimited)"
			: error == -EACCES ? "; the seccomp trap executes a memory file (sysctl "
					     "vm.memfd_noexec)"
			: error == -E2BIG
				? "; env or write_paths of the configuration hold too much text"
			: error == -ENAMETOOLONG
				? "; the paths of preload and LD_PRELOAD are too long together"
				: "");
		return STATUS_SETUP;
	}
	run_verbose(r, "%zu variants, policy %s, compare %s, ring of %llu bytes",
		    r->config->n_variants, config_policy_name(r->config->policy),
		    config_compare_name(r->config->compare),
		    (unsigned long long)r->config->ring_size);
	if (config_spans_hosts(r->config))
		status = meet(r);
	else
		run_verbose(r, "transport: shared memory, since all variants run here");
	if (status == STATUS_GO_ON)
		status = launch_all(r);
	if (status == STATUS_GO_ON)
		status = events_loop(r);
	status_close(r);
	hosts_close(r);
	return status;
}

int run(const struct config *config, const char *library, char **argv, bool verbose,
	bool ignores_children)
{
	static struct running r;

	r = (struct running){.config = config,
			     .library = library,
			     .argv = argv,
			     .verbose = verbose,
			     .status_socket = -1};
	return guard_run(supervise, &r, ignores_children);
}
