/* SPDX-License-Identifier: MIT */
/*
 * A carrier moves one link's streams to one peer, by whatever means. Everything here happens in the
 * engine's thread; nothing blocks but poller_wait().
 *
 *   engine -> carrier   struct carrier_ops
 *   carrier -> engine   link_*(): what has come from the peer
 *
 * A carrier that writes into the peer's memory (rdma) needs no link_place(), and calls link_head()
 * and link_tail() when it has learned of a write, so that sleepers are woken.
 */
#ifndef TANDEM_TRANSPORT_CARRIER_H
#define TANDEM_TRANSPORT_CARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine.h"
#include "frame.h"
#include "poller.h"
#include "ring.h"

struct link; /* the engine's side of it: link.h */

/* A stream's memory on this host, as the engine has mapped it. Valid from open() to shut(). */
struct carrier_stream {
	uint32_t number;
	uint64_t size;                  /* of the ring */
	uint8_t *data;                  /* 2 * size bytes, the same memory twice; 4 KiB aligned */
	struct ring_producer *producer; /* page */
	struct ring_consumer *consumer; /* page, of this link's follower */
	void *own;                      /* the carrier's, for this link and stream */
};

struct carrier {
	const struct carrier_ops *ops;
	struct link *link;
};

struct carrier_ops {
	const char *name;
	/*
	 * Takes fd over. keys: NULL for a trusted link. On error *why has a line, and fd is closed.
	 */
	int (*connect)(struct carrier **c, struct link *link, struct poller *p,
		       const struct engine_link *l, char why[ENGINE_WHY]);
	/*
	 * May be NULL: the stream can be pushed / will be written by the peer. Negative errno: the
	 * link is lost; the carrier may have said why (link_lost()).
	 */
	int (*open)(struct carrier *c, struct carrier_stream *s);
	void (*shut)(struct carrier *c, struct carrier_stream *s);
	/*
	 * Bytes [from, to) of the stream to the same positions at the peer's, then its head there.
	 * They stay unchanged until the peer's tail has passed them. Returns how far it has taken
	 * over (from..to): no further when it is busy; the engine comes again with the rest.
	 */
	uint64_t (*push)(struct carrier *c, struct carrier_stream *s, uint64_t from, uint64_t to);
	/*
	 * A word: WANT, TAIL, HALT, STREAMS, PING, PONG, BYE as frame.h says. Delivered in order
	 * with pushes. false: busy, come again.
	 */
	bool (*tell)(struct carrier *c, enum frame_type what, uint32_t stream, uint64_t position);
	bool (*message)(struct carrier *c, const void *bytes, uint32_t size);
	/* Off with what was taken over since: one batch. Negative errno: lost. */
	int (*flush)(struct carrier *c);
	/*
	 * Takes what has come and tells the engine. 1: something came, or there is room again after
	 * being busy; 0: nothing; negative errno: lost, after link_lost().
	 */
	int (*poll)(struct carrier *c);
	/*
	 * Before the engine sleeps: whatever comes from now on wakes poller_wait(). 1: something
	 * has come already, don't sleep.
	 */
	int (*arm)(struct carrier *c);
	/* All that was taken over has left this host. */
	bool (*idle)(const struct carrier *c);
	void (*describe)(const struct carrier *c, char *text, size_t size);
	void (*close)(struct carrier *c);
};

extern const struct carrier_ops tcp_carrier, rdma_carrier;

/* ---- what came: each 0, or -EPROTO after the link was marked as lost, with the reason ---- */

/* Where bytes [position, position + size) of a stream belong; NULL: not acceptable, link lost. */
uint8_t *link_place(struct link *link, uint32_t stream, uint64_t position, uint32_t size);
/* They are there: the head is `head` now; whoever sleeps is woken. */
int link_head(struct link *link, uint32_t stream, uint64_t head);
int link_tail(struct link *link, uint32_t stream, uint64_t tail);
/* WANT, HALT, STREAMS, PING, PONG, BYE. */
int link_word(struct link *link, enum frame_type what, uint32_t stream, uint64_t position);
int link_message(struct link *link, const void *bytes, uint32_t size);
/* For accounting. */
void link_sent(struct link *link, uint64_t bytes, unsigned frames);
void link_received(struct link *link, uint64_t bytes, unsigned frames);
/* The peer has closed the connection: lost, unless goodbyes were said. */
void link_ended(struct link *link);
/* The first reason counts. Returns -ECONNRESET. */
int link_lost(struct link *link, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The stream of that number if it is open, else NULL. */
struct carrier_stream *link_stream(struct link *link, uint32_t number);

#endif
