/* SPDX-License-Identifier: MIT */
/*
 * Inside the engine: what it knows of streams and links. All of it belongs to the engine's thread
 * but for what is marked.
 */
#ifndef TANDEM_TRANSPORT_LINK_H
#define TANDEM_TRANSPORT_LINK_H

#include <pthread.h>
#include <sys/types.h>

#include "carrier.h"
#include "ring.h"

struct stream;

/* One stream, for one link. */
struct half {
	struct carrier_stream c;
	bool open;

	/* Leader's host: we are the consumer in the follower's place. */
	struct ring_rx rx; /* its tail is what the follower has said */
	uint64_t pushed;   /* the carrier has taken over everything below */
	uint64_t barrier;  /* the message that waits must be behind this */
	uint64_t wanted;   /* told: the leader waits for this */

	/* Follower's host: we are the producer in the leader's place. */
	struct ring_tx tx;
	uint64_t want;    /* heard: the leader waits for this */
	uint64_t acked;   /* tail that was told */
	int64_t acked_at; /* when */
};

struct stream {
	uint32_t number;
	bool ready;    /* the producer's page is initialised: `half`s are open */
	uint64_t head; /* leader's host: as seen in this turn */
	struct ring_producer *producer;
	uint8_t *data;
	struct half of[ENGINE_LINKS];
};

/* A message under way to a link, or an event to the supervisor. */
struct parcel {
	struct parcel *next;
	struct engine_event event; /* name, data, bytes; kind and why of events */
};

struct parcels {
	struct parcel *first, **last;
	_Atomic unsigned count;
	uint64_t bytes; /* of memory */
};

/* What a message takes in memory. */
static inline uint64_t parcel_bytes(const struct parcel *p)
{
	return sizeof(*p) + p->event.bytes;
}

struct link {
	struct engine *engine;
	unsigned place; /* in engine->link */
	unsigned name;
	struct carrier *carrier;
	int ack;
	struct ack_header *header; /* of the ack file */
	struct parcels out;        /* messages; under engine->lock, as is: */
	uint64_t waits;            /* bytes of its messages that the supervisor has yet to take */
	_Atomic uint64_t behind;
	_Atomic bool gone; /* lost or left: engine_send() refuses */

	unsigned barrier; /* so many messages, the first ones, have a place among the streams */
	bool halted;      /* told, or heard */
	bool busy;        /* the carrier couldn't take all in this turn */
	bool stopping;    /* say goodbye when all is told */
	bool said_bye, heard_bye;
	bool lost;
	bool asked; /* a PING is unanswered */
	bool owes;  /* a PONG */
	uint64_t pong;
	uint32_t streams;            /* STREAMS as told or heard */
	size_t first;                /* place of the stream that is pushed first */
	int64_t heard, told, pinged; /* when something came, went, was asked */
	char why[ENGINE_WHY];
	struct engine_stats stats; /* under engine->lock, as is: */
	int64_t heard_at;
};

enum engine_command { COMMAND_ADD, COMMAND_DROP, COMMAND_CLOSE_STREAM, COMMAND_STOP };

struct engine {
	struct engine_options o;
	struct log_header *log; /* first page of the log file */
	struct poller poller;
	struct poller_item bell, doorbell;
	int wake; /* eventfd: commands and messages wait */

	struct link *link[ENGINE_LINKS];
	unsigned places;        /* of these, that links have had */
	struct stream **stream; /* open ones, in no order */
	size_t streams, capacity;
	struct stream **by_number; /* NULL: not yet, or closed */
	uint32_t numbers;          /* streams below this number were opened */
	size_t numbers_capacity;
	int64_t now; /* CLOCK_MONOTONIC of this turn */
	struct spin {
		int64_t since, hurried; /* ns; 0: not */
		int64_t limit;          /* of this one */
		bool crowded;           /* others had the core for long */
		struct spin_budget budget;
	} spin;
	int64_t nap, calm; /* ns: the next one; the first one after there was something to do */
	int64_t slept;     /* when it lay down last */
	bool rested;       /* until its nap was over */
	int failed;

	/* Shared with the supervisor's thread. */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t answered;
	_Atomic uint32_t calls; /* something is in `command` */
	struct {
		bool waits; /* one at a time: the caller sleeps until it is done */
		enum engine_command what;
		const struct engine_link *add;
		unsigned name;
		uint32_t stream;
		int64_t linger;
		int result;
		char *why;
	} command;
	bool running, stopping;
	int64_t stop_at;
	int event_fd;
	struct parcels events;
};

/* streams.c: 0 or negative errno. */
int streams_begin(struct engine *e);
void streams_end(struct engine *e);
/* Makes streams up to this number known. An error is the engine's: no link has them. */
int streams_reach(struct engine *e, uint32_t number);
struct stream *streams_find(const struct engine *e, uint32_t number);
/*
 * Opens what can be opened of it: for links that have come, once its leader has begun it. A link
 * for which it can't be is lost; the others don't notice.
 */
void streams_open(struct engine *e, struct stream *s);
void streams_close(struct engine *e, uint32_t number);
/* For a link that is gone. */
void streams_leave(struct engine *e, struct link *l);

/* link.c */
int link_add(struct engine *e, const struct engine_link *l, char why[ENGINE_WHY]);
/* Closes it, tells the supervisor how it ended, and frees it. */
void link_close(struct link *l);
struct link *link_find(const struct engine *e, unsigned name);

/* queue.c: parcels and events */
void parcels_begin(struct parcels *p);
void parcels_put(struct parcels *p, struct parcel *parcel);
struct parcel *parcels_take(struct parcels *p);
/* With a copy of the bytes, if there are any; NULL: no memory. */
struct parcel *parcel_new(const void *data, uint32_t bytes);
void parcel_free(struct parcel *p);
void parcels_free(struct parcels *p);
void event_post(struct engine *e, enum engine_event_kind kind, unsigned name, const void *data,
		uint32_t bytes, const char *why);

/* engine.c: does what the supervisor's thread has asked for. True: something. */
bool answer(struct engine *e);

/* turn.c: what the thread does again and again, rest included. turn(): false at the end. */
void turns_begin(struct engine *e);
bool turn(struct engine *e);

#endif
