/* SPDX-License-Identifier: MIT */
#include "events.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "follow.h"
#include "hang.h"
#include "lead.h"
#include "processes.h"
#include "status.h"
#include "stop.h"

#define EVENTS 64
/* A signal to our process group and the guard's word of it are this close together. */
#define GROUP_NS 200000000ll
/* How soon to look again while a verdict depends on what happens next. */
#define SOON_MS 20
/* Loader, libraries and their constructors: longer than this they don't take. */
#define START_NS 30000000000ll

int events_add(struct running *r, int fd)
{
	struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

void events_remove(struct running *r, int fd)
{
	epoll_ctl(r->epoll, EPOLL_CTL_DEL, fd, NULL);
}

int events_open(struct running *r)
{
	int error;

	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	r->signals = signalfd(-1, &r->guarded->taken, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r->epoll < 0 || r->signals < 0)
		return -errno;
	error = events_add(r, r->signals);
	if (!error)
		error = events_add(r, r->files.bell);
	if (!error)
		error = events_add(r, r->guarded->channel);
	if (error)
		return error;
	r->status_socket = status_listen();
	if (r->status_socket < 0)
		run_verbose(r, "tandem status won't find this run: %s",
			    strerror(-r->status_socket));
	else
		error = events_add(r, r->status_socket);
	return error;
}

/*
 * Signals that reach us directly went to our process group: the leader has them too, if it is here.
 */
static void note_signals(struct running *r)
{
	struct signalfd_siginfo info;

	while (read(r->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD || info.ssi_signo >= 65)
			continue;
		if (hosts_follow(r))
			follow_signal(r, (int)info.ssi_signo);
		r->sent[info.ssi_signo] = tnd_monotonic();
		r->sender[info.ssi_signo] = (int)info.ssi_pid;
	}
}

void events_signal(struct running *r, int signal)
{
	const struct root *leader = &r->root[r->files.session->leader];

	if (signal <= 0 || signal >= 65)
		return;
	if (leader->done || leader->pid <= 0) {
		run_verbose(r, "signal %d isn't passed on: the leader's first process %s", signal,
			    leader->done ? "has ended" : "hasn't started");
		return;
	}
	run_verbose(r, "signal %d is passed on to the leader", signal);
	kill(leader->pid, signal);
}

static void pass_on(struct running *r, const struct guard_signal *g)
{
	if (g->signal <= 0 || g->signal >= 65)
		return;
	if (r->sent[g->signal] && r->sender[g->signal] == g->sender &&
	    tnd_monotonic() - r->sent[g->signal] < GROUP_NS) {
		r->sent[g->signal] = 0;
		return;
	}
	if (hosts_follow(r))
		follow_signal(r, g->signal);
	else
		events_signal(r, g->signal);
}

static int hear_guard(struct running *r)
{
	struct guard_signal g;
	ssize_t n;

	/* A signal to the group is pending for us before the guard can have sent its word. */
	note_signals(r);
	while ((n = recv(r->guarded->channel, &g, sizeof(g), MSG_DONTWAIT)) == sizeof(g))
		pass_on(r, &g);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return STATUS_GO_ON;
	return stop_saying(r, STATUS_KILLED, "the guard was killed; all variants are ended");
}

static bool is_deadly(int signal)
{
	return signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT;
}

/* A signal of a terminal comes to us, others to the guard; 0: none that ends us. */
static int deadly_signal(struct running *r)
{
	struct signalfd_siginfo info;
	struct guard_signal g;

	while (read(r->signals, &info, sizeof(info)) == sizeof(info)) {
		if (is_deadly((int)info.ssi_signo))
			return (int)info.ssi_signo;
	}
	while (recv(r->guarded->channel, &g, sizeof(g), MSG_DONTWAIT) == sizeof(g)) {
		if (is_deadly(g.signal))
			return g.signal;
	}
	return 0;
}

int events_await(struct running *r, int timeout_ms)
{
	struct epoll_event e;
	struct guard_signal g;
	int signal;

	if (epoll_wait(r->epoll, &e, 1, timeout_ms) <= 0)
		return STATUS_GO_ON;
	if (e.data.fd == r->status_socket)
		status_answer(r);
	signal = deadly_signal(r);
	if (signal)
		return stop_saying(r, 128 + signal,
				   "ended by signal %d while waiting for other hosts", signal);
	if (recv(r->guarded->channel, &g, sizeof(g), MSG_DONTWAIT | MSG_PEEK) == 0)
		return stop_saying(r, STATUS_KILLED, "the guard was killed");
	return STATUS_GO_ON;
}

static int dispatch(struct running *r, const struct epoll_event *e, int n)
{
	int status = STATUS_GO_ON;
	uint64_t rings;

	for (int i = 0; i < n && status == STATUS_GO_ON; i++) {
		int fd = e[i].data.fd;

		if (fd == r->signals)
			note_signals(r);
		else if (fd == r->guarded->channel)
			status = hear_guard(r);
		else if (fd == r->status_socket)
			status_answer(r);
		else if (fd == r->files.bell)
			(void)!read(fd, &rings, sizeof(rings)); /* what rang is looked for anyway */
		else if (fd == hosts_fd(r))
			status = hosts_hear(r);
		/* Ends of processes are looked for in all of them. */
	}
	return status;
}

/*
 * What a variant has said, the followers' word first: when a follower stops, the leader may
 * notice no more than that nobody comes.
 */
static int heard(struct running *r)
{
	uint32_t leader = r->files.session->leader;

	for (unsigned i = 0; i <= r->files.session->variants; i++) {
		unsigned v = i == r->files.session->variants ? leader : i;

		if ((v == leader && i != r->files.session->variants) || !hosts_here(r, v))
			continue;
		if (atomic_load(&r->files.variant[v]->divergence.kind))
			return stop_report(r, v);
	}
	return STATUS_GO_ON;
}

static int never_started(struct running *r, unsigned v)
{
	const struct root *root = &r->root[v];
	char how[64] = "";

	if (root->done && WIFSIGNALED(root->status) && WTERMSIG(root->status) == SIGKILL)
		return stop_saying(r, STATUS_KILLED,
				   "variant %d (%s): its process %d was killed from outside "
				   "(SIGKILL) before the monitor had started in it; all variants "
				   "are ended",
				   r->config->variants[v].id, run_role(r, v), root->pid);
	if (root->done && WIFEXITED(root->status))
		snprintf(how, sizeof(how), " (it exited with %d)", WEXITSTATUS(root->status));
	else if (root->done)
		snprintf(how, sizeof(how), " (it died of signal %d)", WTERMSIG(root->status));
	return stop_saying(r, STATUS_SETUP,
			   "variant %d: the monitor never started in it%s. Either the dynamic "
			   "linker couldn't load %s or a library of preload, or %s isn't a "
			   "dynamically linked program with glibc's start code (a static one, "
			   "another libc, file capabilities), or something ended it before",
			   r->config->variants[v].id, how, r->library, r->argv[0]);
}

/* A variant's first process without a monitor must not run on unseen. */
static int check_starts(struct running *r)
{
	int64_t age = tnd_monotonic() - r->launched;

	for (unsigned v = 0; v < r->files.session->variants; v++) {
		if (hosts_here(r, v) && (r->root[v].done || age > START_NS) &&
		    session_phase(&r->files, v, 0) == PHASE_FREE)
			return never_started(r, v);
	}
	return STATUS_GO_ON;
}

static int program_status(const struct running *r)
{
	int status = r->root[r->files.session->leader].status;

	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* No process is left here; is none left elsewhere? */
static bool hosts_over(struct running *r)
{
	if (r->streams || r->awaiting)
		return false;
	if (!hosts_follow(r))
		return lead_done(r);
	follow_done(r);
	return false; /* END says how */
}

static int program_end(struct running *r)
{
	int status = program_status(r);

	lead_end(r, status, "");
	return status;
}

static int timeout_ms(const struct running *r, bool soon)
{
	uint64_t ms = r->files.session->hang_ns / 20000000;

	int patience = status_patience_ms(r), next;

	if (soon)
		return SOON_MS;
	next = ms == 0 || ms > 500 ? 500 : ms < SOON_MS ? SOON_MS : (int)ms;
	return patience < next ? patience : next;
}

int events_loop(struct running *r)
{
	struct epoll_event events[EVENTS];
	bool soon = false;

	for (;;) {
		int n = epoll_wait(r->epoll, events, EVENTS, timeout_ms(r, soon));
		int status = n > 0 ? dispatch(r, events, n) : STATUS_GO_ON;
		bool none;

		/* Who starts is noted before who ends is buried. */
		if (status == STATUS_GO_ON)
			status = processes_find(r);
		if (status != STATUS_GO_ON)
			return status;
		none = processes_reap(r);
		status = heard(r);
		if (status == STATUS_GO_ON)
			status = check_starts(r);
		if (status == STATUS_GO_ON && none && !r->hosts)
			return program_status(r);
		if (status == STATUS_GO_ON)
			status = processes_judge(r, &soon);
		if (status == STATUS_GO_ON && none && hosts_over(r))
			return program_end(r);
		if (status == STATUS_GO_ON)
			status = hang_look(r);
		status_look(r);
		if (status != STATUS_GO_ON)
			return status;
	}
}
