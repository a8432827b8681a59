/* SPDX-License-Identifier: MIT */
/* The carrier over RDMA: streams, words and messages. See rdma.h for what crosses. */
#include "rdma.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../monitor/session.h"
#include "link.h"

_Static_assert(sizeof(struct rdma_word) == 24, "as docs/protocol-rdma.md says");
_Static_assert(SESSION_STREAMS <= RDMA_WANTED, "a stream's number and a bit are immediate data");

static struct rdma *rdma_of(const struct carrier *c)
{
	return (struct rdma *)c;
}

static bool say(struct rdma *r, unsigned type, uint32_t stream, uint64_t position, uint32_t key)
{
	const struct rdma_word w = {
		.type = (uint8_t)type,
		.stream = htole32(stream),
		.position = htole64(position),
		.key = htole32(key),
	};

	return rdma_say(r, &w, type == RDMA_CREDIT);
}

/* ---- streams ---- */

/*
 * The leader's data is mapped read-only here, and kernels before 6.2 register no such memory that
 * is shared: writable for the moment then.
 */
static struct ibv_mr *register_source(struct rdma *r, const struct carrier_stream *s)
{
	struct ibv_mr *mr = ibv_reg_mr(r->meet.id->pd, s->data, s->size, 0);

	if (mr)
		return mr;
	if (errno == EFAULT && !mprotect(s->data, s->size, PROT_READ | PROT_WRITE)) {
		mr = rdma_register(r, s->data, s->size, 0, "a stream");
		if (mprotect(s->data, s->size, PROT_READ))
			link_lost(r->c.link, "a stream can't be protected: %s", strerror(errno));
		return mr;
	}
	return rdma_register(r, s->data, s->size, 0, "a stream");
}

static int attach(struct rdma *r, struct rdma_stream *x)
{
	if (r->leader)
		x->mr = register_source(r, x->s);
	else
		x->mr = rdma_register(r, x->s->data, x->s->size,
				      IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE, "a stream");
	return x->mr ? 0 : -errno;
}

static struct rdma_stream *make(uint32_t number, struct rdma_stream **list)
{
	struct rdma_stream *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->number = number;
	x->next = *list;
	*list = x;
	return x;
}

/* Takes it out of the list. NULL: it isn't there. */
static struct rdma_stream *take_out(uint32_t number, struct rdma_stream **at)
{
	struct rdma_stream *x;

	while (*at && (*at)->number != number)
		at = &(*at)->next;
	x = *at;
	if (x)
		*at = x->next;
	return x;
}

static void release(struct rdma_stream *x)
{
	if (x->mr)
		ibv_dereg_mr(x->mr);
	free(x);
}

static int rdma_open(struct carrier *c, struct carrier_stream *s)
{
	struct rdma *r = rdma_of(c);
	struct rdma_stream *early = take_out(s->number, &r->early);
	struct rdma_stream *x = make(s->number, &r->streams);
	int error = x ? 0 : -ENOMEM;

	if (x) {
		x->s = s;
		if (early) {
			x->open = true;
			x->remote = early->remote;
			x->key = early->key;
		}
		s->own = x;
		r->untold += !r->leader;
	}
	free(early);
	if (x && r->meet.state == RDMA_UP)
		error = attach(r, x);
	if (error && x) {
		r->untold -= !r->leader;
		free(take_out(s->number, &r->streams));
		s->own = NULL;
	}
	return error;
}

static void rdma_shut(struct carrier *c, struct carrier_stream *s)
{
	struct rdma *r = rdma_of(c);
	struct rdma_stream *x = take_out(s->number, &r->streams);

	s->own = NULL;
	if (!x)
		return;
	x->s = NULL;
	r->untold -= !r->leader && !x->open;
	if (r->leader && x->last > r->complete) {
		/* The pages stay until the device has let go of them. */
		x->next = r->leaving;
		r->leaving = x;
		return;
	}
	release(x);
}

static void let_go(struct rdma *r, struct rdma_stream **at, bool all)
{
	struct rdma_stream *x;

	while ((x = *at)) {
		if (!all && x->last > r->complete) {
			at = &x->next;
			continue;
		}
		*at = x->next;
		release(x);
	}
}

/* ---- out ---- */

/* Follower's host: tells the leader's where streams are that have been opened since. */
static void tell_regions(struct rdma *r)
{
	for (struct rdma_stream *x = r->streams; x && r->untold; x = x->next) {
		if (x->open)
			continue;
		x->open = say(r, RDMA_REGION, x->s->number, (uintptr_t)x->mr->addr, x->mr->rkey);
		r->untold -= x->open;
	}
}

static void tell_credit(struct rdma *r)
{
	if (!r->bye && r->received - r->credited >= RDMA_RECEIVES / 4 &&
	    say(r, RDMA_CREDIT, 0, r->received, 0))
		r->credited = r->received;
}

/* True: said, and it will be known when all up to it has come. */
static bool say_signalled(struct rdma *r, unsigned type, uint64_t position)
{
	if (!say(r, type, 0, position, 0))
		return false;
	r->wr[r->batch - 1].send_flags |= IBV_SEND_SIGNALED;
	return true;
}

/*
 * What is lost is missed as soon as something comes behind it, and the device is told to send it
 * again. Behind the last there is nothing, until the device's own timeout, which is long
 * (rdma_meet.c). So the last of a while is followed by a word that says nothing new, and by others,
 * each after twice as long, until all has come. It wakes a peer that sleeps, which does the same:
 * its answer may be what was lost.
 */
static void probe(struct rdma *r)
{
	int64_t now = r->c.link->engine->now;

	if (r->complete == r->sent)
		r->patience = RDMA_PROBE;
	else if (!r->bye && now - r->posted >= r->patience && rdma_room(r, false) &&
		 say_signalled(r, RDMA_CREDIT, r->received)) {
		r->credited = r->received;
		r->patience *= 2;
	}
}

static uint64_t rdma_push(struct carrier *c, struct carrier_stream *s, uint64_t from, uint64_t to)
{
	struct rdma *r = rdma_of(c);
	struct rdma_stream *x = s->own;

	while (x->open && from < to) {
		uint64_t at = from & (s->size - 1), n = to - from;
		struct ibv_send_wr *wr = rdma_send(r, false);

		if (!wr)
			break;
		if (n > s->size - at)
			n = s->size - at;
		if (n > RDMA_WRITE)
			n = RDMA_WRITE;
		*wr->sg_list = (struct ibv_sge){
			.addr = (uintptr_t)s->data + at,
			.length = (uint32_t)n,
			.lkey = x->mr->lkey,
		};
		wr->opcode = IBV_WR_RDMA_WRITE_WITH_IMM;
		wr->imm_data = htonl(s->number);
		wr->wr.rdma.remote_addr = x->remote + at;
		wr->wr.rdma.rkey = x->key;
		x->last = r->sent;
		from += n;
		x->reached = from;
	}
	return from;
}

/* True: the write that ends there hasn't been posted yet, and is the last: it says so itself. */
static bool mark_wanted(struct rdma *r, uint32_t stream, uint64_t position)
{
	const struct carrier_stream *s = link_stream(r->c.link, stream);
	const struct rdma_stream *x = s ? s->own : NULL;

	if (!x || !r->batch || x->last != r->sent || x->reached != position)
		return false;
	r->wr[r->batch - 1].imm_data |= htonl(RDMA_WANTED);
	return true;
}

static bool rdma_tell(struct carrier *c, enum frame_type what, uint32_t stream, uint64_t position)
{
	struct rdma *r = rdma_of(c);

	if (what == FRAME_WANT && mark_wanted(r, stream, position))
		return true;
	/* Of heartbeats it is known that they have come, so an idle link needs no probes. */
	if (what == FRAME_PING || what == FRAME_PONG)
		return say_signalled(r, what, position);
	if (what != FRAME_BYE)
		return say(r, what, stream, position, 0);
	r->bye |= say_signalled(r, what, position);
	return r->bye;
}

static bool rdma_message(struct carrier *c, const void *bytes, uint32_t size)
{
	struct rdma *r = rdma_of(c);
	unsigned parts = (size + RDMA_PART - 1) / RDMA_PART;
	struct ibv_send_wr *wr = NULL;

	if (!rdma_room(r, false) || r->messaged > r->complete ||
	    r->sent + parts - r->complete > RDMA_SENDS ||
	    r->sent + parts + RDMA_RESERVE > r->credit) {
		r->full = true;
		return false;
	}
	for (uint32_t i = 0, at = 0; i < parts; i++) {
		uint32_t n = size - at < RDMA_PART ? size - at : RDMA_PART;
		uint8_t *to = r->buffers + (size_t)(RDMA_RECEIVES + i) * RDMA_RECEIVE;

		*(struct rdma_word *)to = (struct rdma_word){
			.type = FRAME_MESSAGE,
			.position = htole64(size),
			.key = htole32(at),
			.bytes = htole32(n),
		};
		memcpy(to + sizeof(struct rdma_word), (const uint8_t *)bytes + at, n);
		at += n;
		wr = rdma_send(r, false);
		if (!wr) /* lost: there was room */
			return false;
		*wr->sg_list = (struct ibv_sge){
			.addr = (uintptr_t)to,
			.length = (uint32_t)sizeof(struct rdma_word) + n,
			.lkey = r->buffers_mr->lkey,
		};
		wr->opcode = IBV_WR_SEND;
	}
	if (wr)
		wr->send_flags |= IBV_SEND_SIGNALED;
	r->messaged = r->sent;
	return true;
}

static int rdma_flush(struct carrier *c)
{
	return rdma_post(rdma_of(c));
}

/* ---- in ---- */

static int take_region(struct rdma *r, uint32_t number, uint64_t address, uint32_t key)
{
	struct carrier_stream *s = link_stream(r->c.link, number);
	struct rdma_stream *x = s ? s->own : NULL;

	if (!r->leader)
		return link_lost(r->c.link, "it opens streams as only a follower's host does");
	if (number >= r->c.link->engine->numbers || (x && x->open))
		return link_lost(r->c.link, "it opened stream %u, which can't be", number);
	if (!x && !streams_find(r->c.link->engine, number))
		return 0; /* closed here: it crossed that */
	if (!x) {
		for (x = r->early; x; x = x->next) {
			if (x->number == number)
				return link_lost(r->c.link, "it opened stream %u twice", number);
		}
		x = make(number, &r->early);
	}
	if (!x)
		return link_lost(r->c.link, "no memory for a stream");
	x->remote = address;
	x->key = key;
	x->open = true;
	return 0;
}

static int take_credit(struct rdma *r, uint64_t position)
{
	if (position > r->sent || position + RDMA_RECEIVES < r->credit)
		return link_lost(r->c.link, "it has taken what it wasn't sent");
	r->credit = position + RDMA_RECEIVES;
	return 0;
}

static int take_part(struct rdma *r, const struct rdma_word *w)
{
	uint64_t size = le64toh(w->position);
	uint32_t at = le32toh(w->key), n = le32toh(w->bytes);

	if (size > ENGINE_MESSAGE || at != r->message_bytes || !n || at + n > size ||
	    (at && size != r->message_size))
		return link_lost(r->c.link, "it sent garbage: a part of a message that can't be");
	memcpy(r->message + at, w + 1, n);
	r->message_size = (uint32_t)size;
	r->message_bytes += n;
	if (r->message_bytes < size)
		return 0;
	r->message_bytes = 0;
	return link_message(r->c.link, r->message, (uint32_t)size);
}

enum { STREAM = 1, POSITION = 2, KEY = 4, BYTES = 8, NOTHING = 16 };

/* What a word has, by type; all else of it is 0. */
static const uint8_t has[] = {
	[FRAME_WANT] = STREAM | POSITION,
	[FRAME_STREAMS] = STREAM,
	[FRAME_TAIL] = STREAM | POSITION,
	[FRAME_HALT] = NOTHING,
	[FRAME_MESSAGE] = POSITION | KEY | BYTES,
	[FRAME_PING] = POSITION,
	[FRAME_PONG] = POSITION,
	[FRAME_BYE] = NOTHING,
	[RDMA_REGION] = STREAM | POSITION | KEY,
	[RDMA_CREDIT] = POSITION,
};

/* All that can be known from a word alone, and from where it stands. NULL: it is right. */
static const char *wrong(const struct rdma *r, const struct rdma_word *w, uint32_t bytes)
{
	unsigned h = bytes && w->type < sizeof(has) ? has[w->type] : 0;

	if (bytes < sizeof(*w))
		return "less than a word";
	if (!h)
		return "a word of no known type";
	if (w->zero[0] || w->zero[1] || w->zero[2])
		return "a word's reserved bytes aren't zero";
	if ((w->stream && !(h & STREAM)) || (w->position && !(h & POSITION)) ||
	    (w->key && !(h & KEY)) || (w->bytes && !(h & BYTES)))
		return "a word has a stream, position, key or size that its type hasn't";
	if (le32toh(w->bytes) != bytes - sizeof(*w))
		return "what follows a word isn't as long as it says";
	if (r->message_bytes && w->type != FRAME_MESSAGE)
		return "a word between the parts of a message";
	return NULL;
}

static int take_word(struct rdma *r, const struct rdma_word *w, uint32_t bytes)
{
	const char *reason = wrong(r, w, bytes);
	uint32_t stream = le32toh(w->stream);
	uint64_t position = le64toh(w->position);

	if (reason)
		return link_lost(r->c.link, "it sent garbage: %s", reason);
	switch (w->type) {
	case RDMA_REGION:
		return take_region(r, stream, position, le32toh(w->key));
	case RDMA_CREDIT:
		return take_credit(r, position);
	case FRAME_MESSAGE:
		return take_part(r, w);
	case FRAME_TAIL:
		return link_tail(r->c.link, stream, position);
	default:
		return link_word(r->c.link, w->type, stream, position);
	}
}

static int take_bytes(struct rdma *r, uint32_t what, uint32_t bytes)
{
	uint32_t number = what & ~RDMA_WANTED;
	const struct carrier_stream *s = link_stream(r->c.link, number);
	uint64_t head = 0;
	int rc;

	if (r->message_bytes)
		return link_lost(
			r->c.link,
			"it sent garbage: bytes of a stream between the parts of a message");
	/* The engine is the one that writes this head. */
	if (s)
		head = atomic_load_explicit(&s->producer->head, memory_order_relaxed) + bytes;
	rc = link_head(r->c.link, number, head);
	if (rc || !(what & RDMA_WANTED))
		return rc;
	return link_word(r->c.link, FRAME_WANT, number, head);
}

static int take(struct rdma *r, const struct ibv_wc *wc)
{
	int rc = rdma_complete(r, wc);

	if (rc || !(wc->opcode & IBV_WC_RECV))
		return rc;
	if (wc->opcode == IBV_WC_RECV_RDMA_WITH_IMM)
		rc = take_bytes(r, ntohl(wc->imm_data), wc->byte_len);
	else
		rc = take_word(r, (const void *)(r->buffers + wc->wr_id * RDMA_RECEIVE),
			       wc->byte_len);
	return rc ? rc : rdma_receive(r, wc->wr_id);
}

static int take_all(struct rdma *r)
{
	uint64_t bytes = 0;
	unsigned frames = 0;
	int n = rdma_completions(r), rc = n ? 0 : rdma_receives(r);

	for (int i = 0; i < n && !rc; i++) {
		rc = take(r, &r->wc[i]);
		if (!rc && r->wc[i].opcode & IBV_WC_RECV) {
			bytes += r->wc[i].byte_len;
			frames++;
		}
	}
	if (frames)
		link_received(r->c.link, bytes, frames);
	return rc ? rc : n;
}

/* The connection is there: what has been opened before can be told. */
static int up(struct rdma *r)
{
	struct link *l = r->c.link;

	for (struct rdma_stream *x = r->streams; x; x = x->next) {
		int error = attach(r, x);

		if (error)
			return error;
	}
	pthread_mutex_lock(&l->engine->lock);
	r->c.ops->describe(&r->c, l->stats.carrier, sizeof(l->stats.carrier));
	pthread_mutex_unlock(&l->engine->lock);
	r->full = true;
	return 1;
}

static int rdma_poll(struct carrier *c)
{
	struct rdma *r = rdma_of(c);
	int came = 0, rc;

	rc = rdma_meet_step(r);
	if (rc > 0)
		rc = up(r);
	if (rc < 0)
		return rc;
	if (r->meet.state == RDMA_UP) {
		came = take_all(r);
		let_go(r, &r->leaving, false);
		tell_regions(r);
		tell_credit(r);
		probe(r);
	}
	/* All that had come before is taken: the goodbye may be among it. */
	if (came <= 0 && r->meet.ended && !r->c.link->lost) {
		link_ended(c->link);
		return 1;
	}
	if (came == 0 && r->full && rdma_room(r, false)) {
		r->full = false;
		came = 1;
	}
	return came > 0 ? 1 : rc > 0 ? rc : came;
}

static int rdma_arm(struct carrier *c)
{
	struct rdma *r = rdma_of(c);

	return r->meet.state == RDMA_UP ? rdma_pair_arm(r) : r->meet.look;
}

static bool rdma_idle(const struct carrier *c)
{
	const struct rdma *r = rdma_of(c);

	return r->meet.ended || r->complete == r->sent;
}

static void rdma_describe(const struct carrier *c, char *text, size_t size)
{
	snprintf(text, size, "rdma over %s, trusted", rdma_device_of(rdma_of(c)));
}

static void rdma_close(struct carrier *c)
{
	struct rdma *r = rdma_of(c);

	if (r->meet.state == RDMA_UP)
		rdma_disconnect(r->meet.id);
	rdma_pair_end(r);
	let_go(r, &r->streams, true);
	let_go(r, &r->early, true);
	let_go(r, &r->leaving, true);
	rdma_meet_end(r);
	free(r);
}

static int rdma_connect_link(struct carrier **to, struct link *link, struct poller *p,
			     const struct engine_link *l, char why[ENGINE_WHY])
{
	struct rdma *r = calloc(1, sizeof(*r));
	int error = r ? 0 : -ENOMEM;

	if (l->keys) {
		error = -EINVAL;
		snprintf(why, ENGINE_WHY,
			 "RDMA writes into memory as it is, which can't be encrypted: it needs "
			 "link = "
			 "\"trusted\"");
	} else if (error) {
		snprintf(why, ENGINE_WHY, "no memory for a link");
	}
	if (error) {
		free(r);
		close(l->fd);
		return error;
	}
	r->c = (struct carrier){.ops = &rdma_carrier, .link = link};
	r->poller = p;
	r->leader = link->engine->o.leader;
	r->meet.fd = l->fd;
	/* Children of this process must not take pages with them that a device writes to. */
	ibv_fork_init();
	error = rdma_meet_begin(r, l, why);
	if (error) {
		rdma_close(&r->c);
		return error;
	}
	*to = &r->c;
	return 0;
}

const struct carrier_ops rdma_carrier = {
	.name = "rdma",
	.connect = rdma_connect_link,
	.open = rdma_open,
	.shut = rdma_shut,
	.push = rdma_push,
	.tell = rdma_tell,
	.message = rdma_message,
	.flush = rdma_flush,
	.poll = rdma_poll,
	.arm = rdma_arm,
	.idle = rdma_idle,
	.describe = rdma_describe,
	.close = rdma_close,
};
