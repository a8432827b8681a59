/* SPDX-License-Identifier: MIT */
/* How the hosts of a session find each other: hosts_open() of hosts.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../transport/meet.h"
#include "events.h"
#include "facts.h"
#include "hosts.h"
#include "parameters.h"
#include "report.h"
#include "stop.h"

#define SECOND 1000000000ll
/* Between two lines about who is waited for; the first comes when it has taken a moment. */
#define PROGRESS_NS (10 * SECOND)
/* Between two lines about peers that were turned away: whoever calls may be anybody. */
#define REFUSALS_NS SECOND

struct meeting {
	struct running *r;
	struct meet *meet;
	struct handshake_items items;
	struct key key;
	int64_t began, said;
	char refused[MEET_WHY];    /* the last who was turned away, or why the call has failed */
	char named[HANDSHAKE_WHY]; /* why somebody was turned away: the last that was said */
	int64_t named_at;
};

static const struct config_variant *leader(const struct running *r)
{
	return &r->config->variants[r->config->leader];
}

/* The variant for which this host meets the others. */
static const struct config_variant *own(const struct running *r)
{
	return r->hosts->lead ? leader(r) : &r->config->variants[r->hosts->self];
}

static bool has_key(const struct running *r)
{
	return r->config->key_file;
}

static int start_engine(struct running *r)
{
	static const enum engine_io io[] = {
		[CONFIG_TCP_IO_AUTO] = ENGINE_IO_AUTO,
		[CONFIG_TCP_IO_URING] = ENGINE_IO_URING,
		[CONFIG_TCP_IO_SOCKETS] = ENGINE_IO_SOCKETS,
	};
	struct engine_options o = {.leader = r->hosts->lead,
				   .log = r->files.log,
				   .bell = r->files.engine,
				   .ring_size = r->files.session->ring_size,
				   .io = io[r->config->tcp_io],
				   .wait = (enum ring_wait)r->files.session->wait,
				   .deadline_ns = (int64_t)(r->config->peer_timeout * 1e9)};
	char why[ENGINE_WHY];

	int error = engine_start(&r->hosts->engine, &o, why);

	if (error)
		return stop_saying(r, STATUS_SETUP, "other hosts can't be reached: %s%s", why,
				   error == -EMFILE ? "; raise the limit on open files (ulimit -Hn)"
						    : "");
	run_verbose(r, "transport: %s", engine_io_text(r->hosts->engine));
	events_add(r, hosts_fd(r));
	return STATUS_GO_ON;
}

/* What carries the streams, and why. Both hosts find the same: they know the same of both. */
static const char *carrier(const struct meeting *m, const struct meet_peer *p, char *why,
			   size_t size)
{
	const struct config *c = m->r->config;
	const char *own = handshake_value(&m->items, FACT_RDMA) ?: "?";
	const char *theirs = handshake_value(&p->handshake.theirs, FACT_RDMA) ?: "?";
	const char *excluded = config_rdma_excluded(c);

	if (c->transport != CONFIG_TRANSPORT_AUTO) {
		snprintf(why, size, "as configured");
		return c->transport == CONFIG_TRANSPORT_RDMA ? "rdma" : "tcp";
	}
	if (excluded) {
		snprintf(why, size, "%s", excluded);
	} else if (strcmp(own, "yes") != 0) {
		snprintf(why, size, "no RDMA here: %s", own);
	} else if (strcmp(theirs, "yes") != 0) {
		snprintf(why, size, "no RDMA there: %s", theirs);
	} else {
		snprintf(why, size, "both have an RDMA device that works");
		return "rdma";
	}
	return "tcp";
}

/* A peer that fits becomes that variant's link. */
static int add_link(struct meeting *m, struct meet_peer *p, unsigned v)
{
	struct running *r = m->r;
	struct peer *peer = &r->hosts->peer[v];
	const char *own_isa = handshake_value(&m->items, HANDSHAKE_ISA) ?: "?";
	const char *isa = handshake_value(&p->handshake.theirs, HANDSHAKE_ISA) ?: "?";
	bool sealed = has_key(r) && r->config->link == CONFIG_LINK_ENCRYPTED;
	unsigned follower = r->hosts->lead ? v : r->hosts->self;
	struct engine_link link = {
		.name = v,
		.ack = r->files.ack[follower],
		.fd = p->fd,
		.keys = sealed ? &p->handshake.keys : NULL,
	};
	char why[ENGINE_WHY], chosen[ENGINE_WHY];

	p->fd = -1;
	link.carrier = carrier(m, p, chosen, sizeof(chosen));
	link.device = own(r)->rdma_device;
	if (engine_add(r->hosts->engine, &link, why) < 0)
		return stop_saying(r, STATUS_SETUP,
				   "the connection to %s can't be used: %s (%s: %s)", p->name, why,
				   link.carrier, chosen);
	*peer = (struct peer){.connected = true};
	snprintf(peer->name, sizeof(peer->name), "%s", p->name);
	run_verbose(r, "%s is connected: %s (%s), %s", p->name, link.carrier, chosen,
		    sealed ? "encrypted" : "not encrypted");
	if (strcmp(own_isa, isa) != 0)
		run_verbose(r, "%s has another ISA: %s; here it is %s", p->name, isa, own_isa);
	return STATUS_GO_ON;
}

static bool differs(const struct meet_peer *p)
{
	char line[640];

	for (unsigned i = 0; i < p->handshake.differs; i++) {
		handshake_differ(&p->handshake, i, "this one", p->name, line, sizeof(line));
		fprintf(stderr, "tandem: %s\n", line);
	}
	return p->handshake.differs;
}

/* On the leader's host: whose is it? */
static int welcome(struct meeting *m, struct meet_peer *p)
{
	const char *said = handshake_value(&p->handshake.theirs, FACT_VARIANT);
	struct running *r = m->r;
	int id = said ? atoi(said) : -1;
	const struct config_variant *variant = config_variant(r->config, id);
	unsigned v;

	if (differs(p)) {
		fprintf(stderr, "tandem: variant %d at %s is turned away; start it anew there\n",
			id, p->name);
		return STATUS_GO_ON;
	}
	v = variant ? (unsigned)(variant - r->config->variants) : 0;
	if (!variant || variant->local || r->hosts->peer[v].connected) {
		fprintf(stderr, "tandem: %s runs variant %s, which %s; it is turned away\n",
			p->name, said ?: "?",
			!variant         ? "isn't in the configuration"
			: variant->local ? "runs here"
					 : "another host runs already");
		return STATUS_GO_ON;
	}
	return add_link(m, p, v);
}

static int greet(struct meeting *m, struct meet_peer *p)
{
	struct running *r = m->r;

	if (!differs(p))
		return add_link(m, p, r->hosts->self);
	fprintf(stderr, "tandem: so variant %d can't follow the leader at %s\n",
		r->config->variants[r->hosts->self].id, p->name);
	return STATUS_SETUP;
}

/* Who is waited for. */
static void missing(const struct running *r, char *to, size_t size)
{
	size_t n = 0;

	if (!r->hosts->lead) {
		snprintf(to, size, "the leader's host at %s port %u",
			 *leader(r)->address ? leader(r)->address : "localhost", leader(r)->port);
		return;
	}
	for (size_t v = 0; v < r->config->n_variants && n < size; v++) {
		const struct config_variant *c = &r->config->variants[v];

		if (!c->local && !r->hosts->peer[v].connected)
			n += (size_t)snprintf(to + n, size - n, "%svariant %d%s%s", n ? ", " : "",
					      c->id, *c->address ? " at " : "", c->address);
	}
}

static bool complete(const struct running *r)
{
	for (size_t v = 0; v < r->config->n_variants; v++) {
		bool wanted = r->hosts->lead ? !hosts_here(r, (unsigned)v) : v == r->hosts->self;

		if (wanted && !r->hosts->peer[v].connected)
			return false;
	}
	return true;
}

static int progress(struct meeting *m)
{
	struct running *r = m->r;
	int64_t now = tnd_monotonic(), limit = (int64_t)(r->config->connect_timeout * 1e9);
	char who[512];

	missing(r, who, sizeof(who));
	if (limit && now - m->began > limit)
		return stop_saying(r, STATUS_SETUP,
				   "nothing came of %s within connect_timeout (%.0f s)%s%s", who,
				   r->config->connect_timeout, *m->refused ? ": " : "", m->refused);
	if (now - m->began > SECOND && now - m->said > PROGRESS_NS) {
		m->said = now;
		fprintf(stderr, "tandem: waiting for %s%s%s%s\n", who, *m->refused ? " (" : "",
			m->refused, *m->refused ? ")" : "");
	}
	return STATUS_GO_ON;
}

/*
 * A handshake that has failed is named at once: whoever waits for that host sees why it doesn't
 * come. The same again, as of one that calls again and again, is left to the lines about who is
 * missing.
 */
static void name_refused(struct meeting *m, const struct meet_peer *p)
{
	int64_t now = tnd_monotonic(), apart = REFUSALS_NS;

	snprintf(m->refused, sizeof(m->refused), "%s", p->why);
	if (!strcmp(m->named, p->handshake.why))
		apart = PROGRESS_NS;
	if (m->r->verbose || !*p->handshake.why || (m->named_at && now - m->named_at < apart)) {
		run_verbose(m->r, "%s", p->why);
		return;
	}
	m->named_at = now;
	snprintf(m->named, sizeof(m->named), "%s", p->handshake.why);
	fprintf(stderr, "tandem: %s\n", p->why);
}

/* What has come of calls and callers. */
static int step(struct meeting *m)
{
	int status = STATUS_GO_ON;
	enum meet_event event;
	struct meet_peer *p;

	while (status == STATUS_GO_ON && (event = meet_step(m->meet, &p)) != MEET_NOTHING) {
		if (event == MEET_PEER) {
			status = m->r->hosts->lead ? welcome(m, p) : greet(m, p);
		} else {
			name_refused(m, p);
		}
		meet_free(p);
		if (!m->r->hosts->lead && complete(m->r))
			break;
	}
	return status;
}

/* Hosts that came and have gone again, before all were there. */
static int listen_to_them(struct meeting *m)
{
	struct running *r = m->r;
	int status = STATUS_GO_ON;
	struct letter l;
	char why[512];

	while (status == STATUS_GO_ON && hosts_take(r, 0, &l)) {
		if (l.m.kind == LETTER_LOST || l.m.kind == MESSAGE_FAILED) {
			report_text(why, (char *)l.payload ?: "?", sizeof(why));
			fprintf(stderr, "tandem: variant %d: its host %s has gone again: %s\n",
				r->config->variants[l.variant].id, r->hosts->peer[l.variant].name,
				why);
			if (l.m.kind == MESSAGE_FAILED)
				engine_drop(r->hosts->engine, l.variant);
			r->hosts->peer[l.variant].connected = false;
		} else {
			status = stop_saying(
				r, STATUS_KILLED, "variant %d: its host %s speaks out of turn",
				r->config->variants[l.variant].id, r->hosts->peer[l.variant].name);
		}
		letter_free(&l);
	}
	return status;
}

static int wait_for_all(struct meeting *m)
{
	int status = STATUS_GO_ON;

	m->began = tnd_monotonic();
	events_add(m->r, meet_fd(m->meet));
	while (status == STATUS_GO_ON && !complete(m->r)) {
		int ms = meet_wait(m->meet);

		status = events_await(m->r, ms < 0 || ms > 1000 ? 1000 : ms);
		if (status == STATUS_GO_ON)
			status = step(m);
		if (status == STATUS_GO_ON && m->r->hosts->lead)
			status = listen_to_them(m);
		if (status == STATUS_GO_ON && !complete(m->r))
			status = progress(m);
	}
	events_remove(m->r, meet_fd(m->meet));
	return status;
}

static int begin(struct meeting *m)
{
	struct running *r = m->r;
	const struct config_variant *l = leader(r);
	struct meet_options o = {.address = l->address,
				 .port = l->port,
				 .key = has_key(r) ? &m->key : NULL,
				 .items = &m->items};
	char why[KEY_WHY];
	int error;

	error = has_key(r) ? key_load(r->config->key_file, &m->key, why) : 0;
	if (!error)
		error = facts_gather(r, own(r)->id, &m->items, why, sizeof(why));
	if (error)
		return stop_saying(r, STATUS_SETUP, "%s", why);
	/* Where a network translates addresses, the leader's isn't one of this machine's. */
	if (!*l->address)
		o.address = "localhost";
	else if (r->hosts->lead && !config_address_is_local(l->address))
		o.address = strchr(l->address, ':') ? "::" : "0.0.0.0";
	error = r->hosts->lead ? meet_listen(&m->meet, &o, why) : meet_call(&m->meet, &o, why);
	return error ? stop_saying(r, STATUS_SETUP, "%s", why) : STATUS_GO_ON;
}

static int tell_parameters(struct running *r)
{
	size_t bytes;
	struct parameters *p = parameters_gather(r->files.session, r->descriptors.rlim_cur, &bytes);

	if (!p || bytes > MESSAGE_MOST) {
		free(p);
		return stop_saying(r, STATUS_SETUP,
				   "the environment is too large for the followers' hosts");
	}
	hosts_tell(r, MESSAGE_PARAMETERS, 0, 0, p, bytes);
	free(p);
	return STATUS_GO_ON;
}

/* The one that runs here, on a follower's host. */
static unsigned own_follower(const struct config *c)
{
	unsigned v = 0;

	while (v + 1 < c->n_variants && !c->variants[v].local)
		v++;
	return v;
}

int hosts_open(struct running *r)
{
	static struct hosts hosts;
	struct meeting m = {.r = r};
	char why[512];
	int status;

	hosts.lead = leader(r)->local;
	hosts.self = own_follower(r->config);
	if (config_place_apart(r->config, why, sizeof(why))) {
		fprintf(stderr, "tandem: %s\n", why);
		return STATUS_SETUP;
	}
	r->hosts = &hosts;
	status = start_engine(r);
	if (status == STATUS_GO_ON)
		status = begin(&m);
	if (status == STATUS_GO_ON)
		status = wait_for_all(&m);
	if (m.meet)
		meet_close(m.meet);
	key_forget(&m.key);
	if (status == STATUS_GO_ON && hosts.lead)
		status = tell_parameters(r);
	hosts.met = hosts.lead && status == STATUS_GO_ON;
	return status;
}
