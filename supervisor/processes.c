/* SPDX-License-Identifier: MIT */
#include "processes.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "follow.h"
#include "lead.h"
#include "stop.h"
#include "tree.h"
#include "unsaid.h"

/* One kill may meant for all variants reaches them one after the other. */
#define GRACE_NS 300000000ll
/* Processes of the leader that are being made at one time. */
#define AWAITED_MOST 4096

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

/* What the program takes for its pid: that of the leader's process. 0: not known here. */
static int program_pid(const struct running *r, const struct process_watch *w)
{
	const struct stream_pages *p = &w->stream->pages;
	int pid = atomic_load(&p->state[r->files.session->leader]->pid);

	return pid > 0 ? pid : p->state[w->variant]->vpid;
}

static void say_started(const struct running *r, const struct process_watch *w)
{
	int id = r->config->variants[w->variant].id, pid = program_pid(r, w);

	if (pid > 0 && pid != w->pid)
		run_verbose(r, "variant %d: process %d starts (stream %u, to the program it is %d)",
			    id, w->pid, w->stream->number, pid);
	else
		run_verbose(r, "variant %d: process %d starts (stream %u)", id, w->pid,
			    w->stream->number);
}

static void started(struct running *r, struct process_watch *w)
{
	const struct process_state *s = w->stream->pages.state[w->variant];
	struct epoll_event e = {.events = EPOLLIN, .data.fd = -1};

	w->pid = s->pid;
	w->life = LIFE_ALIVE;
	if (hosts_here(r, w->variant))
		w->pidfd = (int)syscall(SYS_pidfd_open, w->pid, 0);
	if (w->pidfd >= 0)
		epoll_ctl(r->epoll, EPOLL_CTL_ADD, w->pidfd, &e);
	if (hosts_follow(r))
		follow_process(r, w);
	say_started(r, w);
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
		s->of[v] = (struct process_watch){.stream = s,
						  .variant = v,
						  .life = r->files.session->left[v] ? LIFE_DEAD
										    : LIFE_UNKNOWN,
						  .pidfd = -1,
						  .status = -1};
	r->stream[r->streams++] = s;
	return s;
}

/* Has anybody started to use it? */
static bool used(const struct running *r, uint32_t number)
{
	for (unsigned v = 0; v < r->files.session->variants; v++) {
		if (session_pid(&r->files, v, number) > 0)
			return true;
	}
	return false;
}

/* Numbers that the leader has given out since the last time; -EPROTO: no leader gives out so many.
 */
static int note_numbers(struct running *r)
{
	uint32_t end = session_streams(&r->files);

	for (; r->known < end; r->known++) {
		int error =
			grow(&r->awaited, &r->awaited_capacity, r->awaiting, sizeof(*r->awaited));

		if (error)
			return error;
		if (r->awaiting >= AWAITED_MOST)
			return -EPROTO;
		r->awaited[r->awaiting++] = r->known;
	}
	return 0;
}

static void free_stream(struct running *r, uint32_t number)
{
	if (r->hosts)
		engine_close_stream(r->hosts->engine, number);
	session_free_stream(&r->files, number);
}

static int find_streams(struct running *r)
{
	uint32_t leader = r->files.session->leader;
	int error = note_numbers(r);
	size_t kept = 0;

	for (size_t i = 0; i < r->awaiting && !error; i++) {
		if (session_pid(&r->files, leader, r->awaited[i]) == PROCESS_NEVER) {
			lead_tell(r, MESSAGE_NEVER, r->awaited[i], 0);
			free_stream(r, r->awaited[i]);
		} else if (!used(r, r->awaited[i])) {
			r->awaited[kept++] = r->awaited[i];
		} else if (!take_up(r, r->awaited[i])) {
			error = -ENOMEM;
		}
	}
	if (!error)
		r->awaiting = kept;
	return error;
}

int processes_find(struct running *r)
{
	int error = find_streams(r);

	if (error == -EPROTO)
		return stop_found(r, r->files.session->leader, 0, STOP_GARBAGE,
				  "it says to have begun %u processes, of which %zu don't exist",
				  session_streams(&r->files), r->awaiting);
	if (error)
		return stop_saying(r, STATUS_SETUP,
				   "no memory to supervise another process (%zu now)", r->streams);
	for (size_t i = 0; i < r->streams; i++) {
		struct stream *s = r->stream[i];

		for (unsigned v = 0; v < r->files.session->variants; v++) {
			if (s->of[v].life == LIFE_UNKNOWN &&
			    atomic_load(&s->pages.state[v]->pid) > 0)
				started(r, &s->of[v]);
		}
	}
	return STATUS_GO_ON;
}

static bool ended_by_itself(const struct process_watch *w)
{
	return atomic_load(&w->stream->pages.state[w->variant]->phase) == PHASE_EXITED;
}

/*
 * How, as far as it is known: the kernel tells a process's parent alone, which may be one of the
 * program. Then the process's own word counts, if it has given one.
 */
static void say_ended(const struct running *r, const struct process_watch *w)
{
	const struct process_state *s = w->stream->pages.state[w->variant];
	bool said = ended_by_itself(w);
	int status = w->status == -1 && said ? s->exit_status : w->status;
	char how[64] = "how isn't known";

	if (status != -1 && WIFEXITED(status))
		snprintf(how, sizeof(how), "status %d", WEXITSTATUS(status));
	else if (status != -1)
		snprintf(how, sizeof(how), "signal %d, SIG%s", WTERMSIG(status),
			 sigabbrev_np(WTERMSIG(status)) ?: "?");
	run_verbose(r,
		    "variant %d: process %d has ended: %s%s; %" PRIu64 " calls, %" PRIu64
		    " sites patched, %" PRIu64 " still trapping",
		    r->config->variants[w->variant].id, w->pid, how,
		    said || (status != -1 && WIFSIGNALED(status)) ? "" : ", without saying so",
		    s->calls_private + s->calls_world + s->calls_both, s->patched, s->trapping);
}

static void died(struct running *r, struct process_watch *w, int status)
{
	struct tree_process zombie;

	if (status == -1 && hosts_here(r, w->variant) && tree_look(w->pid, &zombie) == 0 &&
	    zombie.state == 'Z')
		status = zombie.status;
	w->life = LIFE_DEAD;
	w->status = status;
	w->died = tnd_monotonic();
	if (w->pidfd >= 0)
		close(w->pidfd);
	w->pidfd = -1;
	if (hosts_follow(r))
		follow_process(r, w);
	say_ended(r, w);
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

				if (w->pid == pid && w->life == LIFE_ALIVE && hosts_here(r, v))
					died(r, w, status);
			}
		}
	}
	return pid < 0 && errno == ECHILD;
}

/*
 * Completes what is known of the end of a leader's process by what the leader's program has noted.
 * True: it, or one of its kin, has sent SIGKILL there.
 */
static bool look_into_notes(const struct running *r, struct process_watch *w)
{
	const struct variant_state *s = r->files.variant[w->variant];
	uint32_t n = atomic_load(&s->deaths);
	bool sent = false;

	for (uint32_t i = 0; i < n && i < DEATH_NOTES; i++) {
		uint64_t note = atomic_load(&s->death[i]);

		if (death_status(note) == DEATH_SENT)
			sent |= death_pid(note) <= 0 || death_pid(note) == w->pid;
		else if (death_pid(note) == w->pid && w->status == -1)
			w->status = (int)death_status(note);
	}
	return sent;
}

static bool twins_died_alike(const struct running *r, const struct process_watch *w)
{
	for (unsigned v = 0; v < r->files.session->variants; v++) {
		const struct process_watch *twin = &w->stream->of[v];

		if (v != w->variant && (twin->life != LIFE_DEAD || ended_by_itself(twin)))
			return false;
	}
	return true;
}

static int killed(struct running *r, const struct process_watch *w)
{
	const char *name = w->status == -1 ? NULL : sigabbrev_np(WTERMSIG(w->status));

	return stop_saying(r, STATUS_KILLED,
			   "variant %d (%s): its process %d was killed from outside (SIG%s); all "
			   "variants are ended",
			   r->config->variants[w->variant].id, run_role(r, w->variant), w->pid,
			   name ?: "KILL, probably");
}

/* The leader's process of a stream is gone; who follows it waits for nothing more. */
static void end_stream(struct running *r, uint32_t number, const struct stream_pages *p,
		       uint32_t ended)
{
	atomic_store(&p->control->ended, ended);
	session_interrupt(&r->files, p);
	lead_tell(r, MESSAGE_ENDED, number, (int32_t)ended);
}

/*
 * The leader's process is gone without a word. Its twins end as it did, unless somebody outside
 * has killed it: SIGKILL that the program hasn't sent and that didn't meet all variants.
 */
static int leader_gone(struct running *r, struct process_watch *w, bool *soon)
{
	struct stream_control *c = w->stream->pages.control;
	bool sent;

	if (ended_by_itself(w) || atomic_load(&c->ended))
		return STATUS_GO_ON;
	unsaid_say(&r->files, w->stream->number, &w->stream->pages);
	sent = look_into_notes(r, w);
	if (!sent && (w->status == -1 || WTERMSIG(w->status) == SIGKILL) &&
	    !twins_died_alike(r, w)) {
		*soon = true;
		if (tnd_monotonic() - w->died < GRACE_NS)
			return STATUS_GO_ON;
		if (w->status != -1)
			return killed(r, w);
	}
	end_stream(r, w->stream->number, &w->stream->pages,
		   1 + (uint32_t)(w->status == -1 ? SIGKILL : w->status));
	return STATUS_GO_ON;
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
	return killed(r, w);
}

void processes_add(struct totals *t, const struct process_state *s)
{
	t->calls_private += s->calls_private;
	t->calls_world += s->calls_world;
	t->calls_both += s->calls_both;
	t->lockstep += s->lockstep;
	t->lockstep_cycles += s->lockstep_cycles;
	t->records += s->records;
	t->bytes += s->bytes;
	t->signals += s->signals;
	t->traps += s->traps;
}

static bool over(const struct running *r, const struct stream *s)
{
	for (unsigned v = 0; v < r->files.session->variants; v++) {
		/* A follower's host knows of nobody but the leader and its own. */
		bool known = !hosts_follow(r) || hosts_here(r, v) || v == r->files.session->leader;

		if (known && s->of[v].life != LIFE_DEAD)
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
		if (v != r->files.session->leader)
			r->gone[v].acknowledged += atomic_load(&s->pages.consumer[v]->tail);
		r->gone[v].processes++;
	}
	session_unmap_stream(&r->files, &s->pages);
	lead_tell(r, MESSAGE_OVER, s->number, 0);
	if (s->number)
		free_stream(r, s->number);
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
			end_stream(r, r->awaited[i], &p, 1 + SIGKILL);
		} else if (tnd_monotonic() - since > 10 * GRACE_NS) {
			/* No twin either: whoever took the number was killed before it made a
			 * child. */
			int none = 0;

			atomic_compare_exchange_strong(&p.state[leader]->pid, &none, PROCESS_NEVER);
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

			if (w->life == LIFE_ALIVE && hosts_here(r, v) && is_dead(w))
				died(r, w, -1);
			if (w->life == LIFE_DEAD && v == leader && !hosts_follow(r))
				status = leader_gone(r, w, soon);
			if (status != STATUS_GO_ON)
				return status;
		}
		for (unsigned v = 0; v < r->files.session->variants; v++) {
			if (v != leader && s->of[v].life == LIFE_DEAD && !hosts_follow(r) &&
			    !r->files.session->left[v])
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

/* Another host's word of a process */

static struct stream *find(const struct running *r, uint32_t number)
{
	for (size_t i = 0; i < r->streams; i++) {
		if (r->stream[i]->number == number)
			return r->stream[i];
	}
	return NULL;
}

bool processes_known(const struct running *r, uint32_t number)
{
	for (size_t i = 0; i < r->awaiting; i++) {
		if (r->awaited[i] == number)
			return true;
	}
	return find(r, number);
}

bool processes_alive(const struct running *r, unsigned v)
{
	for (size_t i = 0; i < r->streams; i++) {
		if (r->stream[i]->of[v].life == LIFE_ALIVE)
			return true;
	}
	return false;
}

int processes_hear(struct running *r, unsigned v, uint32_t number, enum life life, int status)
{
	int result = processes_find(r);
	struct stream *s = result == STATUS_GO_ON ? find(r, number) : NULL;

	if (s && life == LIFE_DEAD && s->of[v].life != LIFE_DEAD)
		died(r, &s->of[v], status);
	return result;
}

void processes_drop(struct running *r, unsigned v)
{
	atomic_store(&r->files.session->left[v], 1);
	for (size_t i = 0; i < r->streams; i++) {
		r->stream[i]->of[v].life = LIFE_DEAD;
		session_interrupt(&r->files, &r->stream[i]->pages);
	}
}

int processes_ended(struct running *r, uint32_t number, uint32_t ended)
{
	struct stream_pages p;

	if (session_map_stream(&r->files, number, &p))
		return stop_saying(r, STATUS_SETUP, "no memory for the end of stream %u", number);
	end_stream(r, number, &p, ended);
	session_unmap_stream(&r->files, &p);
	return STATUS_GO_ON;
}

int processes_never(struct running *r, uint32_t number)
{
	uint32_t leader = r->files.session->leader;

	if (session_write_pid(&r->files, leader, number, PROCESS_NEVER))
		return stop_saying(r, STATUS_SETUP, "no memory for the end of stream %u", number);
	return STATUS_GO_ON;
}

void processes_over(struct running *r, uint32_t number)
{
	struct stream *s = find(r, number);

	if (s)
		s->of[r->files.session->leader].life = LIFE_DEAD;
}
