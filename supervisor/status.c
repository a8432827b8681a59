/* SPDX-License-Identifier: MIT */
#include "status.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "arch.h"
#include "lead.h"
#include "processes.h"
#include "tree.h"

/*
 * A host's answer comes behind all that was published for it: one that is far behind, or slow, is
 * shown as it was last. Of the leader's, which waits for others, more has to be waited for, but
 * less than readers do (show.c).
 */
#define PATIENCE_NS 1000000000ll
#define PATIENCE_LEADER_NS 2000000000ll

/* Pids that are listed for a variant; all are counted. */
#define PIDS_MOST 1000
/* An answer must fit the socket's buffer: nobody waits for a slow reader. */
#define ANSWER_ROOM (1 << 20)

int status_listen(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int n = snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, STATUS_PREFIX "%u/%d",
			 (unsigned)getuid(), (int)getpid());
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error;

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&a,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) < 0 ||
	    listen(fd, 8) < 0) {
		error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

void status_close(struct running *r)
{
	if (r->status_socket >= 0)
		close(r->status_socket);
	r->status_socket = -1;
}

static void add_number(cJSON *o, const char *key, uint64_t n)
{
	cJSON_AddNumberToObject(o, key, (double)n);
}

/*
 * How far a follower is behind the leader in the streams that are alive. What it has acknowledged
 * is known here as soon as to the leader; how many records that were, another host says in its
 * answers only, so they are taken to be as long as the leader's are on the average.
 */
static void add_lag(cJSON *o, const struct running *r, unsigned v)
{
	uint64_t records = 0, bytes = 0, acknowledged = r->gone[v].acknowledged;
	cJSON *lag;

	if (v == r->files.session->leader)
		return;
	for (size_t i = 0; i < r->streams; i++) {
		const struct stream_pages *p = &r->stream[i]->pages;
		/* The follower's positions first: they only grow, so the difference isn't negative.
		 */
		uint64_t tail = atomic_load(&p->consumer[v]->tail), own = p->state[v]->records;
		uint64_t head = atomic_load(&p->producer->head);
		uint64_t leaders = p->state[r->files.session->leader]->records;
		uint64_t behind = head > tail ? head - tail : 0;

		acknowledged += tail;
		bytes += behind;
		if (hosts_here(r, v))
			records += leaders > own ? leaders - own : 0;
		else if (behind)
			records += 1 + (uint64_t)((double)leaders * (double)behind / (double)head);
	}
	lag = cJSON_AddObjectToObject(o, "lag");
	add_number(lag, "records", records);
	add_number(lag, "bytes", bytes);
	add_number(lag, "acknowledged", acknowledged);
}

/* Of a variant on another host: which, and how it goes with the connection. */
static void add_link(cJSON *o, const struct running *r, unsigned v)
{
	struct engine_stats s;
	cJSON *link, *batches;

	if (!r->hosts || hosts_here(r, v))
		return;
	cJSON_AddStringToObject(o, "host", r->hosts->peer[v].name);
	if (r->hosts->peer[v].lost)
		cJSON_AddTrueToObject(o, "lost");
	if (engine_stats(r->hosts->engine, v, &s) < 0)
		return;
	link = cJSON_AddObjectToObject(o, "link");
	cJSON_AddStringToObject(link, "carrier", s.carrier);
	add_number(link, "bytes_out", s.bytes_out);
	add_number(link, "bytes_in", s.bytes_in);
	add_number(link, "behind", s.behind);
	add_number(link, "round_trip_nanoseconds", (uint64_t)s.round_trip_ns);
	add_number(link, "batches", s.batches);
	/* By size: of less than 1, 2, 4, 8 ... bytes. */
	batches = cJSON_AddArrayToObject(link, "batch_sizes");
	for (unsigned i = 0; i < ENGINE_BATCHES; i++)
		cJSON_AddItemToArray(batches, cJSON_CreateNumber((double)s.batch[i]));
}

/* By what the clock of cycles has done since the run began. */
static uint64_t nanoseconds(const struct running *r, uint64_t cycles)
{
	double since = (double)(cpu_cycles() - r->cycles);

	return since > 0
		       ? (uint64_t)((double)cycles * (double)(tnd_monotonic() - r->started) / since)
		       : 0;
}

/* When its counters were what they are shown as: seconds since the session began. */
static double as_of(const struct running *r, unsigned v)
{
	int64_t at = tnd_monotonic();

	if (r->hosts && !hosts_here(r, v))
		at = r->hosts->peer[v].counted ?: r->started;
	return (double)(at - r->started) / 1e9;
}

static cJSON *variant(const struct running *r, unsigned v)
{
	struct totals t = r->gone[v];
	cJSON *o = cJSON_CreateObject(), *pids, *part;
	uint64_t processes = 0, threads = 0;

	cJSON_AddNumberToObject(o, "id", r->config->variants[v].id);
	cJSON_AddStringToObject(o, "role", run_role(r, v));
	pids = cJSON_AddArrayToObject(o, "pids");
	for (size_t i = 0; i < r->streams; i++) {
		const struct process_watch *w = &r->stream[i]->of[v];
		const struct process_state *s = r->stream[i]->pages.state[v];
		struct tree_process p;

		processes_add(&t, s);
		t.patched += s->patched;
		t.trapping += s->trapping;
		p.threads = (int)atomic_load(&s->threads);
		if (w->life != LIFE_ALIVE || (hosts_here(r, v) && tree_look(w->pid, &p)))
			continue;
		if (processes++ < PIDS_MOST)
			cJSON_AddItemToArray(pids, cJSON_CreateNumber(w->pid));
		threads += (uint64_t)p.threads;
	}
	cJSON_AddNumberToObject(o, "as_of_seconds", as_of(r, v));
	add_number(o, "processes", processes);
	add_number(o, "threads", threads);
	add_number(o, "ended", t.processes);
	part = cJSON_AddObjectToObject(o, "calls");
	add_number(part, "world", t.calls_world);
	add_number(part, "private", t.calls_private);
	add_number(part, "both", t.calls_both);
	add_number(o, "records", t.records);
	add_number(o, "bytes", t.bytes);
	add_number(o, "signals", t.signals);
	part = cJSON_AddObjectToObject(o, "lockstep");
	add_number(part, "waits", t.lockstep);
	add_number(part, "nanoseconds", nanoseconds(r, t.lockstep_cycles));
	part = cJSON_AddObjectToObject(o, "sites");
	add_number(part, "patched", t.patched);
	add_number(part, "trapping", t.trapping);
	add_number(part, "traps", t.traps);
	add_lag(o, r, v);
	add_link(o, r, v);
	return o;
}

static cJSON *all_variants(const struct running *r)
{
	cJSON *list = cJSON_CreateArray();

	for (unsigned v = 0; v < r->files.session->variants; v++)
		cJSON_AddItemToArray(list, variant(r, v));
	return list;
}

/* variants: a list; the result takes it over. */
static char *snapshot(const struct running *r, cJSON *variants)
{
	cJSON *o = cJSON_CreateObject(), *list;
	int64_t now = tnd_monotonic();
	char *text;

	cJSON_AddNumberToObject(o, "pid", r->guarded->guard);
	cJSON_AddNumberToObject(o, "supervisor", getpid());
	cJSON_AddNumberToObject(o, "uid", getuid());
	list = cJSON_AddArrayToObject(o, "program");
	for (char **a = r->argv; *a; a++)
		cJSON_AddItemToArray(list, cJSON_CreateString(*a));
	cJSON_AddStringToObject(o, "policy", config_policy_name(r->config->policy));
	cJSON_AddStringToObject(o, "compare", config_compare_name(r->config->compare));
	cJSON_AddStringToObject(o, "trap", r->files.session->trap == TRAP_SUD ? "sud" : "seccomp");
	cJSON_AddNumberToObject(o, "age_seconds", (double)(now - r->started) / 1e9);
	cJSON_AddItemToObject(o, "variants", variants);
	text = cJSON_PrintUnformatted(o);
	cJSON_Delete(o);
	return text;
}

static bool may_read(int fd)
{
	struct ucred who;
	socklen_t size = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 &&
	       (who.uid == 0 || who.uid == getuid());
}

static void answer(const struct running *r, int fd, const char *text)
{
	const int room = ANSWER_ROOM;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	/* Cut short, it isn't JSON any more, and the reader says so. */
	if (text && send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		run_verbose(r, "tandem status can't be answered: %s", strerror(errno));
	close(fd);
}

static void answer_all(struct running *r, cJSON *variants)
{
	char *text = snapshot(r, variants);

	while (r->asked)
		answer(r, r->asking[--r->asked], text);
	free(text);
}

/* Where other hosts must be asked first, and can be, that is done. */
static void ask(struct running *r)
{
	if (r->hosts && !r->hosts->met) {
		answer_all(r, all_variants(r));
	} else if (hosts_follow(r)) {
		r->asked_since = tnd_monotonic();
		hosts_send(r, r->hosts->self, MESSAGE_ASK, 0, 0, NULL, 0);
	} else if (r->hosts) {
		status_asked(r);
	} else {
		answer_all(r, all_variants(r));
	}
}

void status_answer(struct running *r)
{
	bool any = false;
	int fd;

	while (r->asked < sizeof(r->asking) / sizeof(*r->asking) &&
	       (fd = accept4(r->status_socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		if (may_read(fd)) {
			r->asking[r->asked++] = fd;
			any = true;
		} else {
			close(fd);
		}
	}
	if (any)
		ask(r);
}

void status_asked(struct running *r)
{
	/* What is under way is new enough, and nobody can have others asked without end. */
	if (lead_replied(r))
		lead_ask(r);
	status_replied(r);
	status_look(r);
}

/* Somebody here, or on another host, has asked and hasn't been answered. */
static bool anyone_asks(const struct running *r)
{
	bool any = r->asked;

	for (unsigned v = 0; v < r->config->n_variants; v++)
		any |= r->hosts->peer[v].asks;
	return any;
}

/* Of what is known now. */
static void tell_all(struct running *r)
{
	cJSON *variants = all_variants(r);
	char *text = cJSON_PrintUnformatted(variants);

	for (unsigned v = 0; text && v < r->config->n_variants; v++) {
		struct peer *p = &r->hosts->peer[v];

		if (p->asks)
			hosts_send(r, v, MESSAGE_ANSWER, 0, 0, text, strlen(text));
		p->asks = false;
	}
	free(text);
	answer_all(r, variants);
}

void status_replied(struct running *r)
{
	if (lead_replied(r) && anyone_asks(r))
		tell_all(r);
}

int status_patience_ms(const struct running *r)
{
	int64_t left = (hosts_follow(r) ? PATIENCE_LEADER_NS : PATIENCE_NS) + r->asked_since -
		       tnd_monotonic();

	if (!r->hosts || !anyone_asks(r))
		return INT_MAX;
	return left > 0 ? (int)((left + 999999) / 1000000) : 0;
}

void status_look(struct running *r)
{
	cJSON *own;

	if (status_patience_ms(r) > 0)
		return;
	if (hosts_lead(r)) {
		tell_all(r);
		return;
	}
	own = cJSON_CreateArray();
	cJSON_AddItemToArray(own, variant(r, r->hosts->self));
	answer_all(r, own);
}

void status_answered(struct running *r, const char *variants)
{
	cJSON *list = cJSON_Parse(variants);

	if (!cJSON_IsArray(list)) {
		cJSON_Delete(list);
		list = cJSON_CreateArray();
	}
	answer_all(r, list);
}
