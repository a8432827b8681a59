/* SPDX-License-Identifier: MIT */
#include "processes.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stop.h"
#include "tree.h"

/* One kill may meant for all variants reaches them one after the other. */
#define GRACE_NS 300000000ll

static int grow(void *list, size_t *capacity, size_t count, size_t size)
{
	void **p = list, *grown;
	size_t more = *capacity ? 2 * *capacity : 32;

	if (count < *capacity)
		return 0;
	grown = realloc(*p, more * size);
	if (!grown)
		return -ENOMEM;
	*p = grown;
	*capacity = more;
	return 0;
}

static void started(struct running *r, struct process_watch *w)
{
	const struct process_state *s = w->stream->pages.state[w->variant];
	struct epoll_event e = {.events = EPOLLIN, .data.fd = -1};

	w->pid = s->pid;
	w->life = LIFE_ALIVE;
	w->pidfd = (int)syscall(SYS_pidfd_open, w->pid, 0);
	if (w->pidfd >= 0)
		epoll_ctl(r->epoll, EPOLL_CTL_ADD, w->pidfd, &e);
	run_verbose(r, "variant %d: process %d starts (stream %u, the program's pid %d)",
		    r->config->variants[w->variant].id, w->pid, w->stream->number, s->vpid);
}

static struct stream *take_up(struct running *r, uint32_t number)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s || grow(&r->stream, &r->streams_capacity, r->streams, sizeof(*r->stream)) ||
	    session_map_stream(&r->files, number, &s->pages)) {
		free(s);
		return NULL;
	}
	s->number = number;
	for (unsigned v = 0; v < SESSION_VARIANTS; v++)
		s->of[v] = (struct process_watch){
			.stream = s, .variant = v, .pidfd = -1, .status = -1};
	r->stream[r->streams++] = s;
	return s;
}

/* Has anybody started to use it? */
static bool used(const struct running *r, uint32_t number)
{
	for (unsigned v = 0; v < r->files.session->variants; v++) {
		if (session_phase(&r->files, v, number) != PHASE_FREE)
			return true;
	}
	return false;
}

int processes_find(struct running *r)
{
	uint32_t end = session_streams(&r->files);
	size_t kept = 0;
	int error = 0;

	for (; r->known < end && !error; r->known += !error) {
		error = grow(&r->awaited, &r->awaited_capacity, r->awaiting, sizeof(*r->awaited));
		if (!error)
			r->awaited[r->awaiting++] = r->known;
	}
	for (size_t i = 0; i < r->awaiting && !error; i++) {
		if (!used(r, r->awaited[i]))
			r->awaited[kept++] = r->awaited[i];
		else if (!take_up(r, r->awaited[i]))
			error = -ENOMEM;
	}
	if (error) {
		fprintf(stderr, "tandem: no memory to supervise another process (%zu now)\n",
			r->streams);
		return stop_quietly(r, STATUS_SETUP);
	}
	r->awaiting = kept;
	for (size_t i = 0; i < r->streams; i++) {
		struct stream *s = r->stream[i];

		for (unsigned v = 0; v < r->files.session->variants; v++) {
			if (s->of[v].life == LIFE_UNKNOWN &&
			    atomic_load(&s->pages.state[v]->phase) != PHASE_FREE)
				started(r, &s->of[v]);
		}
	}
	return STATUS_GO_ON;
}

static bool ended_by_itself(const struct process_watch *w)
{
	return atomic_load(&w->stream->pages.state[w->variant]->phase) == PHASE_EXITED;
}

static void died(struct running *r, struct process_watch *w, int status)
{
	struct tree_process zombie;
	char how[32] = "?";

	if (status == -1 && tree_look(w->pid, &zombie) == 0 && zombie.state == 'Z')
		status = zombie.status;
	w->life = LIFE_DEAD;
	w->status = status;
	w->died = tnd_monotonic();
	if (w->pidfd >= 0)
		close(w->pidfd);
	w->pidfd = -1;
	if (status != -1)
		snprintf(how, sizeof(how), "%s %d", WIFEXITED(status) ? "status" : "signal",
			 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	run_verbose(r, "variant %d: process %d has ended (%s%s)",
		    r->config->variants[w->variant].id, w->pid, how,
		    ended_by_itself(w) ? "" : ", without saying so");
}

static bool is_dead(const struct process_watch *w)
{
	struct pollfd p = {.fd = w->pidfd, .events = POLLIN};
	struct tree_process t;

	if (w->pidfd >= 0)
		return poll(&p, 1, 0) == 1;
	return tree_look(w->pid, &t) == -ESRCH || t.state == 'Z' || t.state == 'X';
}

bool processes_reap(struct running *r)
{
	int status;
	pid_t pid;

	for (;;) {
		pid = waitpid(-1, &status, WNOHANG);
		if (pid <= 0)
			break;
		for (unsigned v = 0; v < r->files.session->variants; v++) {
			if (r->root[v].pid == pid && !r->root[v].done) {
				r->root[v].status = status;
				r->root[v].done = true;
			}
		}
		for (size_t i = 0; i < r->streams; i++) {
			for (unsigned v = 0; v < r->files.session->variants; v++) {
				struct process_watch *w = &r->stream[i]->of[v];

				if (w->pid == pid && w->life == LIFE_ALIVE)
					died(r, w, status);
			}
		}
	}
	return pid < 0 && errno == ECHILD;
}

/* The leader's process is gone without a word: its twins end as it did. */
static void tell_twins(struct running *r, const struct process_watch *w)
{
	struct stream_control *c = w->stream->pages.control;
	int status = w->status == -1 ? SIGKILL : w->status;

	if (ended_by_itself(w) || atomic_load(&c->ended))
		return;
	atomic_store(&c->ended, 1 + (uint32_t)status);
	session_interrupt(&r->files, &w->stream->pages);
}

/* Signals that a process brings upon itself; nobody sends others to a follower but from outside. */
static bool own_fault(int signal)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT};

	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		if (faults[i] == signal)
			return true;
	}
	return false;
}

/* A follower's process is gone without a word although the leader's lives. */
static int lost(struct running *r, const struct process_watch *w, bool *soon)
{
	const struct process_watch *leader = &w->stream->of[r->files.session->leader];
	int id = r->config->variants[w->variant].id;
	uint32_t number = w->stream->number;

	if (leader->life == LIFE_DEAD || ended_by_itself(leader) || ended_by_itself(w))
		return STATUS_GO_ON;
	*soon = true;
	if (tnd_monotonic() - w->died < GRACE_NS)
		return STATUS_GO_ON;
	if (w->status != -1 && WIFEXITED(w->status))
		return stop_found(r, w->variant, number, DIVERGENCE_EXIT,
				  "process %d of this variant exited with %d, but the leader's "
				  "goes on",
				  w->pid, WEXITSTATUS(w->status));
	if (w->status != -1 && own_fault(WTERMSIG(w->status)))
		return stop_found(r, w->variant, number, DIVERGENCE_CRASH,
				  "process %d of this variant died of signal %d (SIG%s), but the "
				  "leader's goes on",
				  w->pid, WTERMSIG(w->status),
				  sigabbrev_np(WTERMSIG(w->status)) ?: "?");
	fprintf(stderr,
		"tandem: variant %d: its process %d was killed from outside (SIG%s); all variants "
		"are ended\n",
		id, w->pid,
		w->status == -1 ? "KILL, probably" : sigabbrev_np(WTERMSIG(w->status)) ?: "?");
	return stop_quietly(r, STATUS_KILLED);
}

void processes_add(struct totals *t, const struct process_state *s)
{
	t->calls_private += s->calls_private;
	t->calls_world += s->calls_world;
	t->calls_both += s->calls_both;
	t->lockstep += s->lockstep;
	t->lockstep_wait_ns += s->lockstep_wait_ns;
	t->records += s->records;
	t->bytes += s->bytes;
	t->signals += s->signals;
	t->traps += s->traps;
}

static bool over(const struct running *r, const struct stream *s)
{
	for (unsigned v = 0; v < r->files.session->variants; v++) {
		if (s->of[v].life != LIFE_DEAD)
			return false;
	}
	return true;
}

/* The first stream stays: it tells whether the monitor came up. */
static void retire(struct running *r, size_t i)
{
	struct stream *s = r->stream[i];

	for (unsigned v = 0; v < r->files.session->variants; v++) {
		processes_add(&r->gone[v], s->pages.state[v]);
		r->gone[v].processes++;
	}
	session_unmap_stream(&r->files, &s->pages);
	if (s->number)
		session_free_stream(&r->files, s->number);
	free(s);
	r->stream[i] = r->stream[--r->streams];
}

/*
 * A leader's process that was killed before its first word: nobody will ever speak in its
 * stream, and its twin waits for that. Certain only when no process of the leader is left.
 */
static void tell_unborn(struct running *r, bool *soon)
{
	static int64_t since;
	uint32_t leader = r->files.session->leader;

	if (!r->awaiting || !r->root[leader].done) {
		since = 0;
		return;
	}
	for (size_t i = 0; i < r->streams; i++) {
		if (r->stream[i]->of[leader].life == LIFE_ALIVE) {
			since = 0;
			return;
		}
	}
	*soon = true;
	if (!since)
		since = tnd_monotonic();
	if (tnd_monotonic() - since < 5 * GRACE_NS)
		return;
	for (size_t i = 0; i < r->awaiting; i++) {
		struct stream_pages p;

		if (session_map_stream(&r->files, r->awaited[i], &p))
			return;
		if (!atomic_load(&p.control->ended)) {
			atomic_store(&p.control->ended, 1 + SIGKILL);
			session_interrupt(&r->files, &p);
		}
		session_unmap_stream(&r->files, &p);
	}
}

int processes_judge(struct running *r, bool *soon)
{
	uint32_t leader = r->files.session->leader;
	int status = STATUS_GO_ON;

	*soon = false;
	for (size_t i = 0; i < r->streams; i++) {
		struct stream *s = r->stream[i];

		for (unsigned v = 0; v < r->files.session->variants; v++) {
			struct process_watch *w = &s->of[v];

			if (w->life == LIFE_ALIVE && is_dead(w))
				died(r, w, -1);
			if (w->life == LIFE_DEAD && v == leader)
				tell_twins(r, w);
		}
		for (unsigned v = 0; v < r->files.session->variants; v++) {
			if (v != leader && s->of[v].life == LIFE_DEAD)
				status = lost(r, &s->of[v], soon);
			if (status != STATUS_GO_ON)
				return status;
		}
	}
	for (size_t i = r->streams; i-- > 0;) {
		if (over(r, r->stream[i]))
			retire(r, i);
	}
	tell_unborn(r, soon);
	return STATUS_GO_ON;
}
