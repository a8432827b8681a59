/* SPDX-License-Identifier: MIT */
/*
 * The engine carries the streams of a session between hosts: one thread in the supervisor, one
 * connection (link) for each remote follower on the leader's host, one, to the leader's host, on a
 * follower's.
 *
 * The monitor doesn't know. On the leader's host the engine is the consumer of every stream in
 * the place of each remote follower: it writes that follower's ack file. On the follower's host it
 * is the producer: it writes the log file. Positions are the same on both. Tails come back as
 * acknowledgement, lockstep reply and flow control, so whatever the leader has published fits into
 * the follower's ring, and a slow follower holds up others only when the ring is full.
 *
 * What crosses: bytes, heads, log_header.next_stream; tails, ack_header.halt; and messages of the
 * supervisors, which mean nothing to the engine. A message arrives behind everything that was
 * published (on the follower's host: released) before engine_send() was called. So `ended`, halt,
 * the session's secrets, status and reports are messages.
 *
 * Waking: variants ring `bell` (SESSION_FD_ENGINE) for an engine that sleeps; awake it looks at the
 * rings. A leader with remote followers does what it does with local ones.
 *
 * Ownership: descriptors in options stay the caller's and must stay open until engine_stop(); a
 * link's socket becomes the engine's. The memory of streams is mapped by the engine itself.
 * Threads: all functions belong to one thread, the supervisor's. Signals: the engine's thread
 * blocks all of them. Errors: negative errno.
 */
#ifndef TANDEM_TRANSPORT_ENGINE_H
#define TANDEM_TRANSPORT_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handshake.h"
#include "ring.h"

#define ENGINE_LINKS 7u
#define ENGINE_MESSAGE 65536u /* most bytes of a message */
/* Memory of the messages that wait for one link, or of one link for the supervisor. */
#define ENGINE_WAITING (32u << 20)
#define ENGINE_WHY 320u

enum engine_io {
	ENGINE_IO_AUTO,    /* io_uring, or plain sockets where the kernel has or allows none */
	ENGINE_IO_URING,   /* -ENOSYS, -EPERM without it */
	ENGINE_IO_SOCKETS, /* never io_uring */
};

struct engine_options {
	bool leader;        /* the leader's variant runs on this host */
	int log;            /* the log file: read (leader's host), or written */
	int bell;           /* eventfd, non-blocking, that variants hold as SESSION_FD_ENGINE */
	uint64_t ring_size; /* of each stream */
	enum engine_io io;
	enum ring_wait wait; /* as the variants do; see turn.c */
	int64_t deadline_ns; /* a peer that is silent so long is lost; 0: 5 s */
};

struct engine_link {
	unsigned name; /* the caller's, < 64: the follower's variant */
	/*
	 * Follower's ack file; on the leader's host written, on the follower's read. There is one
	 * follower behind a link.
	 */
	int ack;
	int fd; /* from meet.h: connected, authenticated */
	const struct link_keys
		*keys; /* payload is encrypted with; NULL: link = "trusted". Copied */
	/* NULL: "tcp"; "rdma": fd is what its carrier exchanges addresses over, then messages. */
	const char *carrier;
	const char *device; /* of rdma, or NULL: any that works */
};

struct engine;

/*
 * Starts the thread, without a link; *why of ENGINE_WHY bytes gets one line on an error. Session
 * files exist already; variants may be started before or after.
 */
int engine_start(struct engine **e, const struct engine_options *o, char why[ENGINE_WHY]);
/*
 * Says goodbye on each link (what was sent before is delivered, as far as that takes no longer than
 * linger_ns), closes them and ends the thread.
 */
void engine_stop(struct engine *e, int64_t linger_ns);

/*
 * A link from now on. On the leader's host before its variant starts: a stream's history isn't
 * kept for those who come late. On error the fd is closed.
 */
int engine_add(struct engine *e, const struct engine_link *l, char why[ENGINE_WHY]);
/* Closes a link at once, without a goodbye or an event. */
void engine_drop(struct engine *e, unsigned name);

/*
 * Copies and queues. -EMSGSIZE; -ENOTCONN: no such link, or it is lost; -ENOBUFS:
 * ENGINE_WAITING.
 */
int engine_send(struct engine *e, unsigned name, const void *message, size_t bytes);

/*
 * No process will use this stream any more, here or there, and the engine doesn't touch its memory
 * from the return on. Follower's host: after the leader's has said so.
 */
void engine_close_stream(struct engine *e, uint32_t stream);

enum engine_event_kind {
	ENGINE_NOTHING,
	ENGINE_MESSAGE_CAME, /* data, bytes */
	ENGINE_HALTED, /* leader's host: the follower has found a divergence; its ack file says it
			*/
	ENGINE_LEFT,   /* the peer has said goodbye: last event of a link */
	ENGINE_LOST,   /* last event of a link; why names the reason, peer's address left out */
	ENGINE_FAILED, /* the engine itself can't go on; why */
};

struct engine_event {
	enum engine_event_kind kind;
	unsigned name; /* of the link */
	uint32_t bytes;
	uint8_t *data; /* free() it */
	char why[ENGINE_WHY];
};

/* Readable while there are events. */
int engine_fd(const struct engine *e);
/* The next event, ENGINE_NOTHING without one. Never blocks. */
void engine_next(struct engine *e, struct engine_event *event);

#define ENGINE_BATCHES 24 /* classes of sizes: class i counts batches of 2^(i-1)..2^i-1 bytes */

/* Of one link, since it was added. */
struct engine_stats {
	char carrier[48]; /* "tcp over io_uring, AES-256-GCM" */
	uint64_t bytes_out, bytes_in;
	uint64_t frames_out, frames_in;
	uint64_t batches; /* sends, each of all that was there */
	uint64_t batch[ENGINE_BATCHES];
	uint64_t behind; /* leader's host: bytes published and not yet acknowledged, all streams */
	int64_t round_trip_ns; /* of the last heartbeat; 0: none yet */
	int64_t heard_ns;      /* since something was received */
	int64_t cpu_ns;        /* of the engine's thread */
};

/* -ENOTCONN: no such link. */
int engine_stats(struct engine *e, unsigned name, struct engine_stats *s);

/* What auto chose and why: "io_uring (single issuer, deferred work)", "plain sockets: io_uring
 * is disabled by kernel.io_uring_disabled". */
const char *engine_io_text(const struct engine *e);

#endif
