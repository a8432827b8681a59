/* SPDX-License-Identifier: MIT */
#include "lead.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "processes.h"
#include "report.h"
#include "status.h"
#include "stop.h"

/* Symbols are looked up within report.c's own limit; then there is the way here. */
#define EVIDENCE_NS 25000000000ll

static int id(const struct running *r, unsigned v)
{
	return r->config->variants[v].id;
}

static struct peer *peer(const struct running *r, unsigned v)
{
	return &r->hosts->peer[v];
}

/* Is `what` true of all hosts that are still there? */
static bool all(const struct running *r, bool (*what)(const struct peer *p))
{
	for (unsigned v = 0; hosts_lead(r) && v < r->config->n_variants; v++) {
		if (!hosts_here(r, v) && !peer(r, v)->lost && !what(peer(r, v)))
			return false;
	}
	return true;
}

static bool is_prepared(const struct peer *p)
{
	return p->prepared;
}

static bool is_ready(const struct peer *p)
{
	return p->ready;
}

static bool is_done(const struct peer *p)
{
	return p->done;
}

static bool is_frozen(const struct peer *p)
{
	return p->frozen || !p->connected;
}

static bool has_replied(const struct peer *p)
{
	return !p->asked || !p->connected;
}

/* The first host of which it isn't true yet. */
static unsigned missing(const struct running *r, bool (*what)(const struct peer *p))
{
	unsigned v = 0;

	while (v < r->config->n_variants - 1 &&
	       (hosts_here(r, v) || peer(r, v)->lost || what(peer(r, v))))
		v++;
	return v;
}

/* They have met, and so the rest of the start takes no longer than that may have taken. */
static int wait_for(struct running *r, bool (*what)(const struct peer *p), const char *name)
{
	int64_t limit = (int64_t)(r->config->connect_timeout * 1e9), began = tnd_monotonic();
	int status = STATUS_GO_ON;

	while (status == STATUS_GO_ON && !all(r, what)) {
		unsigned v = missing(r, what);

		if (limit && tnd_monotonic() - began > limit)
			return stop_saying(
				r, STATUS_PEER_LOST,
				"variant %d: its host %s hasn't %s it within connect_timeout "
				"(%.0f s); all variants are ended",
				id(r, v), peer(r, v)->name, name, r->config->connect_timeout);
		status = events_await(r, 1000);
		if (status == STATUS_GO_ON)
			status = hosts_hear(r);
	}
	return status;
}

int lead_prepared(struct running *r, char *lists[SESSION_VARIANTS])
{
	int status = wait_for(r, is_prepared, "prepared");

	for (unsigned v = 0; hosts_lead(r) && v < r->config->n_variants; v++) {
		if (!hosts_here(r, v))
			lists[v] = peer(r, v)->libraries;
	}
	return status;
}

int lead_launch(struct running *r, const size_t from[SESSION_VARIANTS])
{
	for (unsigned v = 0; hosts_lead(r) && v < r->config->n_variants; v++) {
		const char *more = r->files.session->preload[v] + from[v];

		if (!hosts_here(r, v))
			hosts_send(r, v, MESSAGE_LAUNCH, 0, 0, more, strlen(more));
	}
	return wait_for(r, is_ready, "started");
}

static int nonsense(struct running *r, const struct letter *l)
{
	return stop_saying(r, STATUS_KILLED,
			   "variant %d: what its host %s says makes no sense (message %u, %zu "
			   "bytes); all variants are ended",
			   id(r, l->variant), peer(r, l->variant)->name, l->said, l->bytes);
}

static int process(struct running *r, const struct letter *l)
{
	struct process_message p;
	int status;

	if (l->bytes != sizeof(p) + PROCESS_SHARED)
		return nonsense(r, l);
	memcpy(&p, l->payload, sizeof(p));
	status = processes_find(r);
	if (status != STATUS_GO_ON)
		return status;
	if ((p.life != LIFE_ALIVE && p.life != LIFE_DEAD) || !processes_known(r, l->m.stream))
		return nonsense(r, l);
	if (session_write_state(&r->files, l->variant, l->m.stream, l->payload + sizeof(p)) < 0)
		return stop_saying(r, STATUS_SETUP, "no memory for what other hosts say");
	return processes_hear(r, l->variant, l->m.stream, (enum life)p.life, p.wait_status);
}

static int diverged(struct running *r, const struct letter *l)
{
	struct divergence *d = &r->files.variant[l->variant]->divergence;

	if (l->bytes != sizeof(*d) || !atomic_load(&((struct divergence *)l->payload)->kind))
		return nonsense(r, l);
	memcpy(d, l->payload, sizeof(*d));
	return stop_report(r, l->variant);
}

/* The leader goes on without that follower, unless that has found something. */
static int drop(struct running *r, const struct letter *l)
{
	unsigned v = l->variant;

	peer(r, v)->lost = true;
	processes_drop(r, v);
	status_replied(r);
	fprintf(stderr, "tandem: variant %d: its host %s is lost: %s; the run goes on without it\n",
		id(r, v), peer(r, v)->name, (char *)l->payload ?: "?");
	return STATUS_GO_ON;
}

static int lost(struct running *r, const struct letter *l)
{
	unsigned v = l->variant;

	if (peer(r, v)->done) /* and nothing more was to come */
		return STATUS_GO_ON;
	if (r->config->on_peer_loss == CONFIG_ON_PEER_LOSS_CONTINUE && peer(r, v)->ready &&
	    !session_halted(&r->files, v))
		return drop(r, l);
	return stop_saying(r, STATUS_PEER_LOST,
			   "variant %d: its host %s is lost: %s; all variants are ended", id(r, v),
			   peer(r, v)->name, (char *)l->payload ?: "?");
}

static int failed(struct running *r, const struct letter *l)
{
	bool known = l->m.status >= STATUS_DIVERGENCE && l->m.status < 256;
	char text[512];

	report_text(text, (char *)l->payload, sizeof(text));
	return stop_saying(r, known ? l->m.status : STATUS_KILLED,
			   "variant %d: its host %s can't go on: %s", id(r, l->variant),
			   peer(r, l->variant)->name, text);
}

int lead_hear(struct running *r, const struct letter *l)
{
	struct peer *p = peer(r, l->variant);

	switch (l->m.kind) {
	case MESSAGE_PREPARED:
		if (p->prepared)
			return nonsense(r, l);
		p->libraries = strdup((char *)l->payload);
		if (!p->libraries)
			return stop_saying(r, STATUS_SETUP, "no memory for what other hosts say");
		p->prepared = true;
		return STATUS_GO_ON;
	case MESSAGE_READY:
		if (!p->prepared || p->ready)
			return nonsense(r, l);
		p->ready = true;
		return STATUS_GO_ON;
	case MESSAGE_PROCESS:
		return process(r, l);
	case MESSAGE_SIGNAL:
		events_signal(r, l->m.status);
		return STATUS_GO_ON;
	case MESSAGE_ASK:
		p->asks = true;
		status_asked(r);
		return STATUS_GO_ON;
	case MESSAGE_ANSWER:
		if (!p->asked)
			return nonsense(r, l);
		p->asked = false;
		p->counted = tnd_monotonic();
		status_replied(r);
		return STATUS_GO_ON;
	case MESSAGE_DIVERGED:
		return diverged(r, l);
	case MESSAGE_FAILED:
		return failed(r, l);
	case MESSAGE_DONE:
		if (!p->ready || processes_alive(r, l->variant) ||
		    processes_alive(r, r->files.session->leader))
			return nonsense(r, l);
		p->done = true;
		return STATUS_GO_ON;
	case LETTER_LOST:
		return lost(r, l);
	default:
		return nonsense(r, l);
	}
}

void lead_tell(struct running *r, enum message_kind kind, uint32_t stream, int32_t status)
{
	if (hosts_lead(r))
		hosts_tell(r, kind, stream, status, NULL, 0);
}

bool lead_done(const struct running *r)
{
	return all(r, is_done);
}

void lead_freeze(struct running *r, unsigned reporter, const struct divergence *d)
{
	const struct freeze_message m = {reporter, d->stream, d->thread};
	int64_t end = tnd_monotonic() + EVIDENCE_NS;
	struct letter l;

	hosts_tell(r, MESSAGE_FREEZE, 0, 0, &m, sizeof(m));
	while (!all(r, is_frozen) && tnd_monotonic() < end) {
		struct peer *p;

		/* Whatever else is said doesn't matter any more. */
		if (!hosts_take(r, 100, &l))
			continue;
		p = peer(r, l.variant);
		if (l.m.kind == MESSAGE_EVIDENCE && !p->frozen) {
			p->frozen = true;
			p->evidence = l.bytes ? (char *)l.payload : NULL;
			if (p->evidence)
				continue;
		}
		letter_free(&l);
	}
}

void lead_end(struct running *r, int status, const char *text)
{
	if (hosts_lead(r))
		hosts_tell(r, MESSAGE_END, 0, status, text, strlen(text));
}

void lead_ask(struct running *r)
{
	for (unsigned v = 0; v < r->config->n_variants; v++)
		peer(r, v)->asked = !hosts_here(r, v);
	r->asked_since = tnd_monotonic();
	hosts_tell(r, MESSAGE_ASK, 0, 0, NULL, 0);
}

bool lead_replied(const struct running *r)
{
	return all(r, has_replied);
}
