/* SPDX-License-Identifier: MIT */
/*
 * What comes from a peer: checked, then put where variants see it. Nothing that a peer says is
 * trusted further than about itself: a follower's host about its tails, the leader's about streams.
 */
#include "link.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../monitor/session.h"

static const struct carrier_ops *const carriers[] = {&tcp_carrier, &rdma_carrier};

struct link *link_find(const struct engine *e, unsigned name)
{
	for (unsigned i = 0; i < ENGINE_LINKS; i++) {
		if (e->link[i] && e->link[i]->name == name)
			return e->link[i];
	}
	return NULL;
}

static int refuse(const struct engine_link *o, int error, char why[ENGINE_WHY], const char *text)
{
	snprintf(why, ENGINE_WHY, "%s", text);
	close(o->fd);
	return error;
}

static const struct carrier_ops *carrier_named(const char *name)
{
	for (size_t i = 0; i < sizeof(carriers) / sizeof(*carriers); i++) {
		if (!name || !strcmp(carriers[i]->name, name))
			return carriers[i];
	}
	return NULL;
}

static unsigned free_place(const struct engine *e)
{
	unsigned i = 0;

	while (i < (e->o.leader ? ENGINE_LINKS : 1) && e->link[i])
		i++;
	return i;
}

int link_add(struct engine *e, const struct engine_link *o, char why[ENGINE_WHY])
{
	int protection = PROT_READ | (e->o.leader ? PROT_WRITE : 0), error;
	const struct carrier_ops *ops = carrier_named(o->carrier);
	unsigned place = free_place(e);
	struct link *l;

	if (!ops)
		return refuse(o, -EINVAL, why, "there is no such carrier");
	if (place == (e->o.leader ? ENGINE_LINKS : 1) || link_find(e, o->name))
		return refuse(o, -EEXIST, why, "there is such a link already, or one too many");
	l = calloc(1, sizeof(*l));
	if (!l)
		return refuse(o, -ENOMEM, why, "no memory for a link");
	l->header = mmap(NULL, RING_PAGE, protection, MAP_SHARED, o->ack, 0);
	if (l->header == MAP_FAILED) {
		error = -errno;
		free(l);
		return refuse(o, error, why, "the follower's ack file can't be mapped");
	}
	l->engine = e;
	l->place = place;
	l->name = o->name;
	l->ack = o->ack;
	l->heard = l->told = e->now;
	parcels_begin(&l->out);
	error = ops->connect(&l->carrier, l, &e->poller, o, why);
	if (error) {
		munmap(l->header, RING_PAGE);
		free(l);
		return error;
	}
	l->heard_at = e->now;
	ops->describe(l->carrier, l->stats.carrier, sizeof(l->stats.carrier));
	pthread_mutex_lock(&e->lock);
	e->link[place] = l;
	if (place >= e->places)
		e->places = place + 1;
	pthread_mutex_unlock(&e->lock);
	/* A link that has come later has a place in streams that were open for others. */
	for (size_t i = 0; i < e->streams; i++) {
		e->stream[i]->ready = false;
		streams_open(e, e->stream[i]);
	}
	error = streams_reach(e, e->o.leader ? atomic_load(&e->log->next_stream) : 0);
	if (error)
		link_lost(l, "the streams can't be mapped: %s", strerror(-error));
	if (!l->lost)
		return 0;
	snprintf(why, ENGINE_WHY, "%s", l->why);
	*l->why = 0; /* the caller knows: no event */
	link_close(l);
	return error ? error : -ECONNRESET;
}

void link_close(struct link *l)
{
	struct engine *e = l->engine;

	streams_leave(e, l);
	l->carrier->ops->close(l->carrier);
	l->carrier = NULL;
	munmap(l->header, RING_PAGE);
	pthread_mutex_lock(&e->lock);
	e->link[l->place] = NULL;
	parcels_free(&l->out);
	pthread_mutex_unlock(&e->lock);
	if (l->heard_bye)
		event_post(e, ENGINE_LEFT, l->name, NULL, 0, "");
	else if (l->lost && *l->why)
		event_post(e, ENGINE_LOST, l->name, NULL, 0, l->why);
	free(l);
}

int link_lost(struct link *l, const char *format, ...)
{
	va_list args;

	if (!l->lost) {
		va_start(args, format);
		vsnprintf(l->why, sizeof(l->why), format, args);
		va_end(args);
		l->lost = true;
		l->gone = true;
	}
	return -ECONNRESET;
}

void link_ended(struct link *l)
{
	l->gone = true;
	if (l->said_bye)
		l->heard_bye = true;
	else
		link_lost(l,
			  "it has hung up without a goodbye: its supervisor was ended, or failed");
}

void link_sent(struct link *l, uint64_t bytes, unsigned frames)
{
	unsigned class = 64u - (unsigned)__builtin_clzll(bytes | 1);

	pthread_mutex_lock(&l->engine->lock);
	l->stats.bytes_out += bytes;
	l->stats.frames_out += frames;
	l->stats.batches++;
	l->stats.batch[class < ENGINE_BATCHES ? class : ENGINE_BATCHES - 1]++;
	pthread_mutex_unlock(&l->engine->lock);
	l->told = l->engine->now;
}

void link_received(struct link *l, uint64_t bytes, unsigned frames)
{
	pthread_mutex_lock(&l->engine->lock);
	l->stats.bytes_in += bytes;
	l->stats.frames_in += frames;
	l->heard_at = l->engine->now;
	pthread_mutex_unlock(&l->engine->lock);
	l->heard = l->engine->now;
}

static struct half *half_of(struct link *l, uint32_t number)
{
	struct stream *s = streams_find(l->engine, number);

	return s && s->of[l->place].open ? &s->of[l->place] : NULL;
}

struct carrier_stream *link_stream(struct link *l, uint32_t number)
{
	struct half *h = half_of(l, number);

	return h ? &h->c : NULL;
}

/* ---- follower's host: from the leader's ---- */

static struct half *written(struct link *l, uint32_t stream, uint64_t from, uint64_t to)
{
	struct half *h = l->engine->o.leader ? NULL : half_of(l, stream);
	uint64_t tail;

	if (!h) {
		link_lost(l, "it sent bytes of stream %u, which isn't open", stream);
		return NULL;
	}
	if (from != h->tx.head || to < from) {
		link_lost(l, "it sent bytes of stream %u from %ju on, where %ju are next", stream,
			  (uintmax_t)from, (uintmax_t)h->tx.head);
		return NULL;
	}
	tail = atomic_load_explicit(&h->c.consumer->tail, memory_order_acquire);
	if (tail > h->tx.head || to - tail > h->c.size) {
		link_lost(l, "it sent more of stream %u than fits into the ring", stream);
		return NULL;
	}
	return h;
}

uint8_t *link_place(struct link *l, uint32_t stream, uint64_t position, uint32_t size)
{
	struct half *h = written(l, stream, position, position + size);

	return h ? h->c.data + (position & (h->c.size - 1)) : NULL;
}

int link_head(struct link *l, uint32_t stream, uint64_t head)
{
	struct half *h = half_of(l, stream);

	h = written(l, stream, h ? h->tx.head : 0, head);
	if (!h)
		return -EPROTO;
	h->tx.head = head;
	ring_flush(&h->tx);
	return 0;
}

static int want(struct link *l, uint32_t stream, uint64_t position)
{
	struct half *h = l->engine->o.leader ? NULL : half_of(l, stream);

	if (!h || position > h->tx.head) {
		link_lost(l, "it waits for a position of stream %u that it hasn't sent", stream);
		return -EPROTO;
	}
	if (position > h->want)
		h->want = position;
	ring_kick(&h->tx);
	return 0;
}

static int begin_streams(struct link *l, uint32_t number)
{
	struct engine *e = l->engine;
	int error;

	if (e->o.leader || number >= SESSION_STREAMS || number < l->streams) {
		link_lost(l, "it began stream %u, which can't be", number);
		return -EPROTO;
	}
	l->streams = number;
	error = streams_reach(e, number);
	if (error)
		link_lost(l, "stream %u can't be opened here: %s", number, strerror(-error));
	if (l->lost)
		return -ECONNRESET;
	atomic_store(&e->log->next_stream, number);
	return 0;
}

/* ---- leader's host: from a follower's ---- */

int link_tail(struct link *l, uint32_t stream, uint64_t tail)
{
	struct half *h = half_of(l, stream);

	if (!l->engine->o.leader || stream >= l->engine->numbers) {
		link_lost(l, "it acknowledged stream %u, which has not begun", stream);
		return -EPROTO;
	}
	if (!h) /* closed: its last words cross ours */
		return 0;
	if (tail < h->rx.tail || tail > h->pushed) {
		link_lost(l, "it acknowledged position %ju of stream %u, where %ju..%ju can be",
			  (uintmax_t)tail, stream, (uintmax_t)h->rx.tail, (uintmax_t)h->pushed);
		return -EPROTO;
	}
	/* As a near follower does: the leader is woken where it has asked to be. */
	ring_release(&h->rx, (uint32_t)(tail - h->rx.tail));
	return 0;
}

static int halt(struct link *l)
{
	struct engine *e = l->engine;

	if (!e->o.leader) {
		link_lost(l, "it halts as only a follower's host does");
		return -EPROTO;
	}
	if (l->halted)
		return 0;
	l->halted = true;
	atomic_store(&l->header->halt, 1);
	for (size_t i = 0; i < e->streams; i++) {
		struct ring_consumer *page = e->stream[i]->of[l->place].c.consumer;

		if (page)
			ring_interrupt(NULL, &page, 1);
	}
	event_post(e, ENGINE_HALTED, l->name, NULL, 0, "");
	return 0;
}

/* ---- both ---- */

int link_word(struct link *l, enum frame_type what, uint32_t stream, uint64_t position)
{
	struct engine *e = l->engine;

	switch (what) {
	case FRAME_WANT:
		return want(l, stream, position);
	case FRAME_STREAMS:
		return begin_streams(l, stream);
	case FRAME_HALT:
		return halt(l);
	case FRAME_PING:
		l->owes = true;
		l->pong = position;
		return 0;
	case FRAME_PONG:
		if (!l->asked || position != (uint64_t)l->pinged) {
			link_lost(l, "it answered what it wasn't asked");
			return -EPROTO;
		}
		l->asked = false;
		pthread_mutex_lock(&e->lock);
		l->stats.round_trip_ns = tnd_monotonic() - l->pinged;
		pthread_mutex_unlock(&e->lock);
		return 0;
	case FRAME_BYE:
		l->heard_bye = true;
		l->gone = true;
		return 0;
	default:
		link_lost(l, "it sent a %s frame, which has another place", frame_name(what));
		return -EPROTO;
	}
}

int link_message(struct link *l, const void *bytes, uint32_t size)
{
	bool flood;

	pthread_mutex_lock(&l->engine->lock);
	flood = l->waits > ENGINE_WAITING;
	l->waits += flood ? 0 : sizeof(struct parcel) + size;
	pthread_mutex_unlock(&l->engine->lock);
	if (flood) {
		link_lost(l, "it sends messages faster than they can be dealt with");
		return -EPROTO;
	}
	event_post(l->engine, ENGINE_MESSAGE_CAME, l->name, bytes, size, "");
	return 0;
}
