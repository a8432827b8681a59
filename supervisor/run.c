/* SPDX-License-Identifier: MIT */
/*
 * Process tree: the `tandem run` that the user starts is a guard; its child is the
 * supervisor, whose children are the variants. Both are subreapers, so whichever
 * of the two is killed, the other finds every process of the session below it.
 */
#include "run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.h"
#include "report.h"
#include "session.h"

#define TICK_MS 50
#define GUARD_DIED SIGUSR2 /* the parent's death, as the supervisor is told of it */

struct tracked {
	unsigned v;
	uint32_t stream;
	int pid, pidfd;
	bool dead;
};

struct follow {
	uint64_t tail;
	int64_t since;
};

struct running {
	struct session_files files;
	const struct config *config;
	const char *program;
	int signals;
	pid_t root[SESSION_VARIANTS];
	int root_status[SESSION_VARIANTS];
	bool root_done[SESSION_VARIANTS];
	struct tracked *tracked;
	size_t count, capacity;
	uint32_t looked; /* streams already tracked in all variants */
};

static pid_t parent_of(pid_t pid)
{
	char path[64], line[512], *end;
	int parent = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fgets(line, sizeof(line), f) && (end = strrchr(line, ')')))
		if (sscanf(end + 1, " %*c %d", &parent) != 1)
			parent = 0;
	fclose(f);
	return parent;
}

static bool below(pid_t pid, pid_t top)
{
	for (int depth = 0; pid > 1 && depth < 4096; depth++) {
		pid = parent_of(pid);
		if (pid == top)
			return true;
	}
	return false;
}

static void signal_descendants(int signal)
{
	struct dirent *e;
	DIR *d = opendir("/proc");

	while (d && (e = readdir(d))) {
		int pid = atoi(e->d_name);

		if (pid > 0 && below(pid, getpid()))
			kill(pid, signal);
	}
	if (d)
		closedir(d);
}

/* Stopped processes can't fork, so this ends. */
static void kill_descendants(void)
{
	signal_descendants(SIGSTOP);
	for (;;) {
		signal_descendants(SIGKILL);
		if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD)
			return;
	}
}

static int64_t now_ns(void)
{
	return tnd_monotonic();
}

static void start_variant(const struct running *r, unsigned v, char **argv)
{
	const struct config_variant *cv = &r->config->variants[v];
	unsigned n = session_descriptors(&r->files, v);
	const char *program = cv->exec ? cv->exec : argv[0];
	struct rlimit limit = {1024, 1024};
	sigset_t none;
	char handle[128];
	int base, error;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != r->files.session->supervisor)
		_exit(STATUS_KILLED);
	getrlimit(RLIMIT_NOFILE, &limit);
	base = (int)(limit.rlim_cur < 1024 ? limit.rlim_cur : 1024) - (int)n - 1;
	error = base < 16 ? -EMFILE : session_hand_over(&r->files, v, base);
	if (error) {
		fprintf(stderr,
			"tandem: variant %u: its descriptors can't be set up: %s; raise the limit "
			"on open files (ulimit -n)\n",
			v, strerror(-error));
		_exit(STATUS_SETUP);
	}
	snprintf(handle, sizeof(handle), "%d:%u:%u:0:0:0", base, v,
		 v == r->files.session->leader ? 0 : session_follower(&r->files, v));
	for (size_t i = 0; i < cv->n_env; i++)
		putenv(cv->env[i]);
	setenv(SESSION_ENV, handle, 1);
	setenv("LD_PRELOAD", r->files.session->preload[v], 1);
	if (cv->cpus)
		sched_setaffinity(0, sizeof(cv->cpu_set), &cv->cpu_set);
	if (v != r->files.session->leader) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		setsid();
		for (int fd = 0; fd < 3; fd++)
			dup2(null, fd);
	}
	execvp(program, argv);
	error = errno;
	if (v == r->files.session->leader)
		fprintf(stderr, "tandem: %s: can't be executed: %s\n", program, strerror(error));
	_exit(STATUS_SETUP);
}

static void track(struct running *r, unsigned v, uint32_t stream, int pid)
{
	if (r->count == r->capacity) {
		size_t more = r->capacity ? 2 * r->capacity : 64;
		struct tracked *t = realloc(r->tracked, more * sizeof(*t));

		if (!t)
			return;
		r->tracked = t;
		r->capacity = more;
	}
	r->tracked[r->count++] = (struct tracked){
		.v = v, .stream = stream, .pid = pid, .pidfd = (int)syscall(SYS_pidfd_open, pid, 0)};
}

static bool is_tracked(const struct running *r, unsigned v, uint32_t stream)
{
	for (size_t i = 0; i < r->count; i++) {
		if (r->tracked[i].v == v && r->tracked[i].stream == stream)
			return true;
	}
	return false;
}

static void find_processes(struct running *r)
{
	uint32_t streams = session_streams(&r->files);
	bool all = true;

	for (uint32_t s = r->looked; s < streams; s++) {
		for (unsigned v = 0; v < r->files.session->variants; v++) {
			struct process_state *p = session_state(&r->files, v, s);

			if (p && atomic_load(&p->phase) != PHASE_FREE) {
				if (!is_tracked(r, v, s))
					track(r, v, s, p->pid);
			} else {
				all = false;
			}
			session_unmap(p);
		}
		if (all)
			r->looked = s + 1;
	}
}

static void mark_ended(struct running *r, uint32_t stream, int status)
{
	struct stream_control *c = session_stream(&r->files, stream);

	if (c && !atomic_load(&c->ended)) {
		atomic_store(&c->ended, 1 + (uint32_t)status);
		session_interrupt(&r->files, stream);
	}
	session_unmap(c);
}

/* Processes that are gone: a leader's twin follows it; forgets those whose end is known. */
static void look_at_dead(struct running *r)
{
	uint32_t leader = r->files.session->leader;

	for (size_t i = 0; i < r->count; i++) {
		struct tracked *t = &r->tracked[i];
		struct pollfd p = {.fd = t->pidfd, .events = POLLIN};

		if (!t->dead && (t->pidfd < 0 || poll(&p, 1, 0) == 1)) {
			struct process_state *s = session_state(&r->files, t->v, t->stream);

			t->dead = true;
			if (t->pidfd >= 0)
				close(t->pidfd);
			if (t->v == leader && s && atomic_load(&s->phase) != PHASE_EXITED)
				mark_ended(r, t->stream,
					   t->stream == 0 && r->root_done[leader]
						   ? r->root_status[leader]
						   : SIGKILL);
			session_unmap(s);
		}
	}
}

static void reap(struct running *r)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (unsigned v = 0; v < r->files.session->variants; v++) {
			if (r->root[v] == pid) {
				r->root_status[v] = status;
				r->root_done[v] = true;
			}
		}
	}
}

static int finish(struct running *r, int status)
{
	atomic_store(&r->files.session->halt, 1);
	kill_descendants();
	return status;
}

/* A variant has said why the session can't go on. */
static int stop(struct running *r, unsigned v)
{
	const struct divergence *d = &r->files.variant[v]->divergence;
	uint32_t kind = atomic_load(&d->kind);
	char path[4200];
	int error;

	atomic_store(&r->files.session->halt, 1);
	signal_descendants(SIGSTOP);
	error = report_write(&r->files, r->config, v, r->program, path, sizeof(path));
	kill_descendants();
	fprintf(stderr, "tandem: %s: variant %d: %s",
		kind == STOP_UNSUPPORTED ? "unsupported call"
		: kind == STOP_GARBAGE	 ? "garbage in a ring"
		: kind == STOP_INTERNAL	 ? "set-up or internal error"
					 : "divergence",
		r->config->variants[v].id, d->text);
	if (error)
		fprintf(stderr, "; the report can't be written to %s: %s\n", r->config->report_dir,
			strerror(-error));
	else
		fprintf(stderr, "; report: %s (tandem explain shows it)\n", path);
	return kind == STOP_UNSUPPORTED ? STATUS_UNSUPPORTED
	       : kind == STOP_GARBAGE	? STATUS_KILLED
	       : kind == STOP_INTERNAL	? STATUS_SETUP
					: STATUS_DIVERGENCE;
}

/* A follower that has something to read and doesn't: divergence in the supervisor's name. */
static bool hangs(struct running *r, uint32_t stream, struct follow *seen, unsigned *who)
{
	struct ring_producer *p = session_producer(&r->files, stream);
	bool found = false;

	for (unsigned v = 0; p && v < r->files.session->variants; v++) {
		struct ring_consumer *c;
		uint64_t tail;

		if (v == r->files.session->leader)
			continue;
		c = session_consumer(&r->files, v, stream);
		tail = c ? atomic_load(&c->tail) : 0;
		if (tail != seen[v].tail || tail >= atomic_load(&p->head) || !seen[v].since)
			seen[v] = (struct follow){tail, now_ns()};
		else if (now_ns() - seen[v].since > (int64_t)r->files.session->hang_ns) {
			*who = v;
			found = true;
		}
		session_unmap(c);
	}
	session_unmap(p);
	return found;
}

static bool alive(const struct running *r)
{
	for (size_t i = 0; i < r->count; i++) {
		if (!r->tracked[i].dead)
			return true;
	}
	return false;
}

static int program_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A follower's first process ended in another way than by the stream's word. */
static int check_roots(struct running *r)
{
	uint32_t leader = r->files.session->leader;

	for (unsigned v = 0; v < r->files.session->variants; v++) {
		struct process_state *s;
		uint32_t phase;

		if (!r->root_done[v])
			continue;
		s = session_state(&r->files, v, 0);
		phase = s ? atomic_load(&s->phase) : PHASE_FREE;
		session_unmap(s);
		if (phase == PHASE_FREE) {
			fprintf(stderr,
				"tandem: variant %d: the monitor never started in it; is %s a "
				"dynamically linked program of this architecture?\n",
				r->config->variants[v].id, r->program);
			return finish(r, STATUS_SETUP);
		}
		if (v != leader && phase != PHASE_EXITED && !r->root_done[leader]) {
			fprintf(stderr, "tandem: variant %d was killed from outside\n",
				r->config->variants[v].id);
			return finish(r, STATUS_KILLED);
		}
	}
	return -1;
}

static int forward_signals(struct running *r)
{
	struct signalfd_siginfo info;

	while (read(r->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == GUARD_DIED)
			return finish(r, STATUS_KILLED);
		/* The terminal has told the leader itself. */
		if (info.ssi_signo != SIGCHLD && info.ssi_code != SI_KERNEL)
			kill(r->root[r->files.session->leader], (int)info.ssi_signo);
	}
	return -1;
}

static int supervise(struct running *r)
{
	static struct follow seen[SESSION_VARIANTS];
	struct session *s = r->files.session;
	int64_t grace = 0;
	uint32_t turn = 0;

	for (;;) {
		struct pollfd fds[] = {{r->files.bell, POLLIN, 0}, {r->signals, POLLIN, 0}};
		uint64_t rings;
		unsigned who;
		int status;

		poll(fds, 2, TICK_MS);
		if (read(r->files.bell, &rings, sizeof(rings)) < 0 && errno != EAGAIN)
			return finish(r, STATUS_KILLED);
		status = forward_signals(r);
		if (status >= 0)
			return status;
		find_processes(r);
		reap(r);
		for (unsigned v = 0; v < s->variants; v++) {
			if (atomic_load(&r->files.variant[v]->divergence.kind))
				return stop(r, v);
		}
		look_at_dead(r);
		status = check_roots(r);
		if (status >= 0)
			return status;
		if (s->hang_ns && hangs(r, turn, seen, &who)) {
			struct divergence *d = &r->files.variant[who]->divergence;

			d->stream = turn;
			d->own_call = d->leader_call = UINT32_MAX;
			snprintf(d->text, sizeof(d->text),
				 "hang: this variant has not moved for hang_timeout (%.1f s) though "
				 "the leader is ahead",
				 r->config->hang_timeout);
			atomic_store(&d->kind, DIVERGENCE_HANG);
			return stop(r, who);
		}
		if (!r->root_done[s->leader] || alive(r))
			grace = r->root_done[s->leader] && grace ? grace : now_ns();
		if (r->root_done[s->leader] && !alive(r)) {
			bool all = true;

			for (unsigned v = 0; v < s->variants; v++)
				all &= r->root_done[v];
			if (all || now_ns() - grace > 5000000000ll)
				return finish(r, program_status(r->root_status[s->leader]));
		}
	}
}

static void forwarded(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < 8; i++)
		sigaddset(set, (const int[]){SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2,
					     SIGWINCH, SIGCHLD}[i]);
}

static int supervisor(const struct config *config, const char *library, char **argv, bool verbose)
{
	struct running r = {.config = config, .program = argv[0]};
	struct machine_answer sud = machine_probe(MACHINE_SUD);
	unsigned trap = config->trap == CONFIG_TRAP_SECCOMP ? TRAP_SECCOMP
			: config->trap == CONFIG_TRAP_SUD || sud.yes ? TRAP_SUD
									: TRAP_SECCOMP;
	sigset_t set;
	int error;

	forwarded(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	r.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	error = session_create(&r.files, config, library, trap);
	if (error < 0 || r.signals < 0) {
		fprintf(stderr, "tandem: the session's memory can't be set up: %s\n",
			strerror(error < 0 ? -error : errno));
		return STATUS_SETUP;
	}
	if (verbose)
		fprintf(stderr, "tandem: %zu variants, policy %s, trap %s\n", config->n_variants,
			config_policy_name(config->policy), trap == TRAP_SUD ? "sud" : "seccomp");
	for (unsigned v = 0; v < config->n_variants; v++) {
		r.root[v] = fork();
		if (r.root[v] == 0)
			start_variant(&r, v, argv);
		if (r.root[v] < 0) {
			fprintf(stderr, "tandem: variant %u can't be started: %s\n", v,
				strerror(errno));
			return finish(&r, STATUS_SETUP);
		}
		if (verbose)
			fprintf(stderr, "tandem: variant %d: pid %d\n", config->variants[v].id,
				r.root[v]);
	}
	return supervise(&r);
}

int run(const struct config *config, const char *library, char **argv, bool verbose)
{
	pid_t guard = getpid(), child;
	sigset_t set, old;
	int status;

	forwarded(&set);
	sigprocmask(SIG_BLOCK, &set, &old);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	child = fork();
	if (child < 0) {
		fprintf(stderr, "tandem: the supervisor can't be started: %s\n", strerror(errno));
		return STATUS_SETUP;
	}
	if (child == 0) {
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		prctl(PR_SET_PDEATHSIG, GUARD_DIED);
		if (getppid() != guard)
			_exit(STATUS_KILLED);
		exit(supervisor(config, library, argv, verbose));
	}
	for (;;) {
		siginfo_t info;
		int signal = sigwaitinfo(&set, &info);

		if (signal > 0 && signal != SIGCHLD && info.si_code != SI_KERNEL)
			kill(child, signal);
		if (waitpid(child, &status, WNOHANG) == child)
			break;
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	kill_descendants();
	fprintf(stderr, "tandem: the supervisor was killed; all variants were ended\n");
	return STATUS_KILLED;
}
