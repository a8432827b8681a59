/* SPDX-License-Identifier: MIT */
/*
 * The other hosts of a session that spans several: the connections to their supervisors, and the
 * messages. r->hosts is NULL where all variants run here. The leader's host knows each host of a
 * follower (lead.h), those know only the leader's (follow.h).
 */
#ifndef TANDEM_SUPERVISOR_HOSTS_H
#define TANDEM_SUPERVISOR_HOSTS_H

#include "../transport/engine.h"
#include "message.h"
#include "run.h"

/* Room for how a host is called in messages. */
#define PEER_NAME 64

/* A host, by the variant for which it is connected: a follower's, or ours on a follower's host. */
struct peer {
	bool connected;
	bool choked; /* messages pile up: it is about to be lost */
	bool lost;   /* and the session goes on without it */
	bool prepared, ready, done, frozen;
	bool asks, asked; /* for counters: it us; we it, and it hasn't answered */
	int64_t counted;  /* CLOCK_MONOTONIC when its last answer came */
	char name[PEER_NAME];
	char *libraries; /* what its follower starts with */
	char *evidence;  /* JSON; NULL: it had none */
	/* A message of which only the beginning has come. */
	uint8_t *part;
	uint32_t part_kind;
	size_t part_bytes;
};

struct hosts {
	bool lead;     /* the leader runs here */
	unsigned self; /* else: the follower that does */
	struct engine *engine;
	struct peer peer[SESSION_VARIANTS];
	bool met;      /* all have: before, none has words for another */
	int64_t asked; /* hang.c: when the others were */
	bool told;     /* follow.c: DONE or FAILED was sent */
	bool over;     /* follow.c: END has come */
	bool frozen;   /* follow.c: FREEZE has come */
	int status;
};

/* Besides enum message_kind: the host is lost, the text says why; it is no message at all. */
enum { LETTER_LOST = MESSAGE_KINDS, LETTER_NONSENSE };

/* What has come from a host; a NUL behind the payload isn't counted in bytes. */
struct letter {
	unsigned variant; /* of the peer */
	uint32_t said;    /* the kind as it came, for messages */
	struct message m;
	size_t bytes;
	uint8_t *payload;
};

/* Meets all other hosts of the session, in any order of start. STATUS_GO_ON, or why not (said). */
int hosts_open(struct running *r);
/* Says goodbye: what was sent before still arrives. */
void hosts_close(struct running *r);

/* To the host of that variant; nothing, if it is lost. */
void hosts_send(struct running *r, unsigned variant, enum message_kind kind, uint32_t stream,
		int32_t status, const void *payload, size_t bytes);
/* To all. */
void hosts_tell(struct running *r, enum message_kind kind, uint32_t stream, int32_t status,
		const void *payload, size_t bytes);

/*
 * The next letter, to be freed; waits at most so long. False: there is none, or none among the many
 * events that were looked at.
 */
bool hosts_take(struct running *r, int timeout_ms, struct letter *l);
void letter_free(struct letter *l);

/* Deals with all that has come, in the loop of events. STATUS_GO_ON, or the session is over. */
int hosts_hear(struct running *r);
/* What to wait for in that loop; -1: nothing. */
int hosts_fd(const struct running *r);

/* Does variant v run here? */
static inline bool hosts_here(const struct running *r, unsigned v)
{
	return r->config->variants[v].local;
}

/* Does another host lead? */
static inline bool hosts_follow(const struct running *r)
{
	return r->hosts && !r->hosts->lead;
}

static inline bool hosts_lead(const struct running *r)
{
	return r->hosts && r->hosts->lead;
}

#endif
