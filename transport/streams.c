/* SPDX-License-Identifier: MIT */
/* The engine's mappings of streams, and its ends of their rings. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../monitor/session.h"
#include "link.h"
#include "ring_data.h"

static void *map(int fd, uint64_t offset, size_t bytes, int protection)
{
	void *p = mmap(NULL, bytes, protection, MAP_SHARED, fd, (off_t)offset);

	return p == MAP_FAILED ? NULL : p;
}

static void unmap(void *p, size_t bytes)
{
	if (p)
		munmap(p, bytes);
}

int streams_begin(struct engine *e)
{
	e->log = map(e->o.log, 0, RING_PAGE, PROT_READ | (e->o.leader ? 0 : PROT_WRITE));
	return e->log ? 0 : -errno;
}

static void free_stream(struct engine *e, struct stream *s)
{
	unmap(s->producer, RING_PAGE);
	ring_data_unmap(s->data, e->o.ring_size);
	free(s);
}

static struct stream *map_stream(struct engine *e, uint32_t number)
{
	int protection = PROT_READ | (e->o.leader ? 0 : PROT_WRITE);
	uint64_t at = log_stream_offset(e->o.ring_size, number);
	size_t size = e->o.ring_size;
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->number = number;
	s->producer = map(e->o.log, at, RING_PAGE, protection);
	s->data = ring_data_map(e->o.log, at + RING_PAGE, size, protection);
	if (s->producer && s->data)
		return s;
	free_stream(e, s);
	return NULL;
}

/* The consumer's page is ready before the leader's process looks at it for the first time. */
static void begin_consumer(struct ring_consumer *page)
{
	if (atomic_load_explicit(&page->magic, memory_order_relaxed))
		return;
	page->version = RING_VERSION;
	atomic_store_explicit(&page->far, 1, memory_order_relaxed);
	atomic_store_explicit(&page->tail, 0, memory_order_relaxed);
	atomic_store_explicit(&page->wake_at, 1, memory_order_relaxed);
	atomic_store_explicit(&page->magic, RING_CONSUMER_MAGIC, memory_order_release);
}

/* A stream's place for a link: the page of the follower's ack file. */
static int prepare(struct engine *e, struct stream *s, struct link *l)
{
	int protection = PROT_READ | (e->o.leader ? PROT_WRITE : 0);
	struct half *h = &s->of[l->place];

	if (h->c.consumer)
		return 0;
	h->c = (struct carrier_stream){
		.number = s->number,
		.size = e->o.ring_size,
		.data = s->data,
		.producer = s->producer,
		.consumer = map(l->ack, ack_stream_offset(s->number), RING_PAGE, protection),
	};
	if (!h->c.consumer)
		return -ENOMEM;
	if (e->o.leader)
		begin_consumer(h->c.consumer);
	return 0;
}

static int grow(void **array, size_t wanted, size_t *capacity, size_t item)
{
	size_t n = *capacity ? 2 * *capacity : 64;
	void *p;

	if (wanted <= *capacity)
		return 0;
	while (n < wanted)
		n *= 2;
	p = realloc(*array, n * item);
	if (!p)
		return -ENOMEM;
	memset((uint8_t *)p + *capacity * item, 0, (n - *capacity) * item);
	*array = p;
	*capacity = n;
	return 0;
}

static int add_stream(struct engine *e, uint32_t number)
{
	struct stream *s = map_stream(e, number);

	if (!s || grow((void **)&e->stream, e->streams + 1, &e->capacity, sizeof(*e->stream)) ||
	    grow((void **)&e->by_number, number + 1, &e->numbers_capacity, sizeof(*e->by_number))) {
		if (s)
			free_stream(e, s);
		return -ENOMEM;
	}
	e->stream[e->streams++] = s;
	e->by_number[number] = s;
	e->numbers = number + 1;
	streams_open(e, s);
	return 0;
}

int streams_reach(struct engine *e, uint32_t number)
{
	int error = 0;

	while (!error && e->numbers <= number && e->numbers < SESSION_STREAMS)
		error = add_stream(e, e->numbers);
	return error;
}

struct stream *streams_find(const struct engine *e, uint32_t number)
{
	return number < e->numbers ? e->by_number[number] : NULL;
}

static int open_leader(struct stream *s, struct half *h)
{
	static const struct ring_options options;
	int error = ring_rx_init(&h->rx, s->producer, s->data, h->c.size, h->c.consumer, &options);

	h->pushed = h->wanted = h->rx.tail;
	return error;
}

static int open_follower(struct stream *s, struct half *h)
{
	/* A batch is published with a fence, and never missed by a follower that falls asleep. */
	static const struct ring_options options = {.wait = RING_WAIT_BLOCK};
	int error;

	atomic_store_explicit(&s->producer->far, 1, memory_order_relaxed);
	error = ring_tx_init(&h->tx, s->producer, s->data, h->c.size, &h->c.consumer, 1, &options);
	h->acked = h->want = error ? 0 : h->tx.tail[0];
	return error;
}

void streams_open(struct engine *e, struct stream *s)
{
	for (unsigned i = 0; i < ENGINE_LINKS; i++) {
		struct link *l = e->link[i];
		struct half *h = &s->of[i];
		int error;

		if (!l || l->lost || h->open)
			continue;
		error = prepare(e, s, l);
		if (!error)
			error = e->o.leader ? open_leader(s, h) : open_follower(s, h);
		if (error == -EAGAIN) /* the leader's process has yet to begin */
			return;
		if (!error && l->carrier->ops->open)
			error = l->carrier->ops->open(l->carrier, &h->c);
		if (error)
			link_lost(l, "stream %u can't be opened for it here: %s", s->number,
				  strerror(-error));
		h->open = !error;
	}
	s->ready = true;
}

static void close_half(struct stream *s, unsigned place, struct link *l)
{
	struct half *h = &s->of[place];

	if (h->open && l && l->carrier && l->carrier->ops->shut)
		l->carrier->ops->shut(l->carrier, &h->c);
	unmap(h->c.consumer, RING_PAGE);
	memset(h, 0, sizeof(*h));
}

void streams_close(struct engine *e, uint32_t number)
{
	struct stream *s = streams_find(e, number);

	if (!s)
		return;
	for (size_t i = 0; i < e->streams; i++) {
		if (e->stream[i] == s)
			e->stream[i] = e->stream[e->streams - 1];
	}
	e->streams--;
	e->by_number[number] = NULL;
	for (unsigned i = 0; i < ENGINE_LINKS; i++)
		close_half(s, i, e->link[i]);
	free_stream(e, s);
}

void streams_leave(struct engine *e, struct link *l)
{
	for (size_t i = 0; i < e->streams; i++)
		close_half(e->stream[i], l->place, l);
}

void streams_end(struct engine *e)
{
	while (e->streams)
		streams_close(e, e->stream[0]->number);
	free(e->stream);
	free(e->by_number);
	unmap(e->log, RING_PAGE);
}
