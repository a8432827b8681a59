/* SPDX-License-Identifier: MIT */
#include "hosts.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "follow.h"
#include "lead.h"
#include "stop.h"

/* How long the last words may take. */
#define LINGER_NS 2000000000ll
/* Events that are looked at in one go: whoever sends without end must not keep the caller. */
#define EVENTS_MOST 64
/* Payload of one piece. */
#define PIECE (ENGINE_MESSAGE - sizeof(struct message))

void hosts_close(struct running *r)
{
	if (!r->hosts || !r->hosts->engine)
		return;
	engine_stop(r->hosts->engine, LINGER_NS);
	r->hosts->engine = NULL;
}

int hosts_fd(const struct running *r)
{
	return r->hosts && r->hosts->engine ? engine_fd(r->hosts->engine) : -1;
}

void hosts_send(struct running *r, unsigned variant, enum message_kind kind, uint32_t stream,
		int32_t status, const void *payload, size_t bytes)
{
	static uint8_t piece[ENGINE_MESSAGE];
	struct message m = {.kind = kind, .stream = stream, .status = status};
	const uint8_t *from = payload ?: (const void *)"";
	size_t n;

	if (!r->hosts->peer[variant].connected || r->hosts->peer[variant].choked)
		return;
	if (bytes > MESSAGE_MOST)
		bytes = MESSAGE_MOST;
	do {
		n = bytes < PIECE ? bytes : PIECE;
		m.kind = n < bytes ? kind | MESSAGE_MORE : kind;
		memcpy(piece, &m, sizeof(m));
		memcpy(piece + sizeof(m), from, n);
		/* A link that is lost takes nothing, and says so by itself. */
		if (engine_send(r->hosts->engine, variant, piece, sizeof(m) + n) == -ENOBUFS) {
			engine_drop(r->hosts->engine, variant);
			r->hosts->peer[variant].choked = true;
			return;
		}
		from += n;
		bytes -= n;
	} while (bytes);
}

void hosts_tell(struct running *r, enum message_kind kind, uint32_t stream, int32_t status,
		const void *payload, size_t bytes)
{
	for (unsigned v = 0; r->hosts && v < r->config->n_variants; v++) {
		if (r->hosts->peer[v].connected)
			hosts_send(r, v, kind, stream, status, payload, bytes);
	}
}

static void lost(struct running *r, const char *why, struct letter *l)
{
	struct peer *p = &r->hosts->peer[l->variant];

	p->connected = false;
	free(p->part);
	p->part = NULL;
	p->part_bytes = 0;
	l->m.kind = LETTER_LOST;
	l->payload = (uint8_t *)strdup(why);
	l->bytes = l->payload ? strlen(why) : 0;
}

/* A piece that can't follow what has come before, or is no message at all. */
static bool makes_sense(const struct peer *p, const struct message *m, size_t bytes)
{
	uint32_t kind = m->kind & ~MESSAGE_MORE;

	return kind < MESSAGE_KINDS && (!p->part || kind == p->part_kind) &&
	       (bytes || !(m->kind & MESSAGE_MORE)) && p->part_bytes + bytes <= MESSAGE_MOST;
}

/* Adds a piece to what has come before. True: it is whole. */
static bool assemble(struct running *r, const uint8_t *data, size_t bytes, struct letter *l)
{
	struct peer *p = &r->hosts->peer[l->variant];
	uint8_t *grown;
	size_t n = bytes - sizeof(l->m);

	l->bytes = bytes;
	l->m.kind = LETTER_NONSENSE;
	if (bytes < sizeof(l->m))
		return true;
	memcpy(&l->m, data, sizeof(l->m));
	l->said = l->m.kind & ~MESSAGE_MORE;
	if (!makes_sense(p, &l->m, n)) {
		l->m.kind = LETTER_NONSENSE;
		return true;
	}
	grown = realloc(p->part, p->part_bytes + n + 1);
	if (!grown) {
		lost(r, "there is no memory for what it says", l);
		return true;
	}
	memcpy(grown + p->part_bytes, data + sizeof(l->m), n);
	p->part = grown;
	p->part_kind = l->m.kind & ~MESSAGE_MORE;
	p->part_bytes += n;
	grown[p->part_bytes] = 0;
	if (l->m.kind & MESSAGE_MORE)
		return false;
	l->payload = p->part;
	l->bytes = p->part_bytes;
	p->part = NULL;
	p->part_bytes = 0;
	return true;
}

/* True: the event is one that a letter tells of. */
static bool letter(struct running *r, const struct engine_event *e, struct letter *l)
{
	*l = (struct letter){.variant = e->name};
	if (e->kind == ENGINE_FAILED) {
		/* Nobody can be reached any more. */
		for (l->variant = 0; l->variant < r->config->n_variants; l->variant++) {
			if (r->hosts->peer[l->variant].connected)
				break;
		}
	}
	if (e->name >= SESSION_VARIANTS || l->variant >= r->config->n_variants ||
	    !r->hosts->peer[l->variant].connected)
		return false;
	switch (e->kind) {
	case ENGINE_MESSAGE_CAME:
		return assemble(r, e->data, e->bytes, l);
	case ENGINE_LEFT:
		lost(r, "it has ended its part of the session", l);
		return true;
	case ENGINE_LOST:
	case ENGINE_FAILED:
		lost(r, e->why, l);
		return true;
	default:
		return false;
	}
}

static bool choked(struct running *r, struct letter *l)
{
	for (unsigned v = 0; v < r->config->n_variants; v++) {
		struct peer *p = &r->hosts->peer[v];

		if (!p->choked || !p->connected)
			continue;
		*l = (struct letter){.variant = v};
		lost(r, "it doesn't take messages any more", l);
		return true;
	}
	return false;
}

bool hosts_take(struct running *r, int timeout_ms, struct letter *l)
{
	struct pollfd p = {.fd = hosts_fd(r), .events = POLLIN};
	struct engine_event e;

	for (unsigned i = 0; i < EVENTS_MOST; i++) {
		bool any;

		if (choked(r, l))
			return true;
		e.data = NULL;
		engine_next(r->hosts->engine, &e);
		if (e.kind == ENGINE_NOTHING) {
			if (!timeout_ms || poll(&p, 1, timeout_ms) == 0)
				return false;
			timeout_ms = 0; /* once: the caller has a deadline of its own */
			continue;
		}
		any = letter(r, &e, l);
		free(e.data);
		if (any)
			return true;
	}
	return false;
}

void letter_free(struct letter *l)
{
	free(l->payload);
	l->payload = NULL;
}

int hosts_hear(struct running *r)
{
	int status = STATUS_GO_ON;
	struct letter l;

	/* What is left wakes the loop again. */
	for (unsigned i = 0; i < EVENTS_MOST && status == STATUS_GO_ON; i++) {
		if (!r->hosts || !hosts_take(r, 0, &l))
			break;
		status = hosts_follow(r) ? follow_hear(r, &l) : lead_hear(r, &l);
		letter_free(&l);
	}
	return status;
}
