/* SPDX-License-Identifier: MIT */
#ifndef TANDEM_TEST_ENGINE_HOST_H
#define TANDEM_TEST_ENGINE_HOST_H

/*
 * Two hosts or more within one process: each has memory files of its own, an engine, and variants,
 * which are threads of the test. For tests and benches. Over shm they are one host: what is said to
 * be the follower's has the leader's memory, and none of them an engine.
 */

#include <stdbool.h>
#include <stdint.h>

#include "session.h"
#include "transport/engine.h"

#define HOST_RING 65536u

struct host {
	const struct way *way;
	bool leader;
	uint64_t size; /* of the rings */
	int log, bell;
	int ack[ENGINE_LINKS]; /* on the leader's by link; on a follower's only [0] */
	unsigned acks;
	struct log_header *header;
	struct engine *engine; /* NULL over shm */
};

/* What links the hosts of this run. */
struct way {
	const char *name;
	const char *carrier; /* "rdma": by the device that has the address $ADDRESS */
	enum engine_io io;
	bool sealed;
	bool pair;        /* a pair of sockets, not a connection */
	int64_t deadline; /* where a test has no wish; 0: the engine's own */
};
extern const struct way ways[];
extern const unsigned ways_count;

/* followers: how many consumers a leader's streams have. */
void host_begin(struct host *h, bool leader, const struct way *way, uint64_t size,
		unsigned followers, int64_t deadline);
/* Stops the engine, if there is one. */
void host_end(struct host *h);

/* Two connected sockets, of TCP but for a way with a pair. */
void host_sockets(const struct way *way, int fd[2]);
/* Links follower i of the leader's host with a follower's host. */
void host_link(struct host *leader, unsigned i, struct host *follower, const struct way *way);
/* One end only: the test plays the other. keys may be NULL. */
void host_link_raw(struct host *h, unsigned i, int fd, const struct link_keys *keys);

/* The ends of a stream, for a thread that has called host_enter(). */
void host_enter(const struct host *h);
void host_tx(const struct host *h, uint32_t stream, struct ring_tx *tx,
	     const struct ring_options *o);
/* Waits until the stream has begun. */
void host_rx(const struct host *h, uint32_t stream, struct ring_rx *rx,
	     const struct ring_options *o);
/* The pages, writable. */
struct ring_producer *host_producer(const struct host *h, uint32_t stream);
struct ring_consumer *host_consumer(const struct host *h, unsigned ack, uint32_t stream);

/* engine_close_stream(), where there is an engine. */
void host_close_stream(struct host *h, uint32_t stream);
/* The next event, waited for; fails the test after a while without one. */
void host_event(struct host *h, struct engine_event *event);

#endif
