/* SPDX-License-Identifier: MIT */
/*
 * How hosts find each other: the leader's host listens, the others call it until it answers, so
 * the order of start doesn't matter. Strangers cost little: at most MEET_STRANGERS connections that
 * aren't authenticated at a time, each for MEET_PATIENCE_NS; what comes beyond that waits in the
 * kernel's queue. They are told nothing.
 *
 * Without threads: the caller waits for meet_fd() to be readable (an epoll descriptor), at most
 * meet_wait() milliseconds, and calls meet_step(). One struct meet is either listener or caller.
 */
#ifndef TANDEM_TRANSPORT_MEET_H
#define TANDEM_TRANSPORT_MEET_H

#include "handshake.h"

#define MEET_STRANGERS 16u
#define MEET_PATIENCE_NS 3000000000ll
#define MEET_WHY 400u

struct meet_options {
	const char *address; /* numeric, IPv4 or IPv6, or "localhost": to listen on, or to call */
	uint16_t port;
	const struct key *key;               /* NULL: see handshake_begin() */
	const struct handshake_items *items; /* ours; must outlive the meeting */
};

struct meet;

/* 0 or negative errno, with one line in why: address in use, not ours ... */
int meet_listen(struct meet **m, const struct meet_options *o, char why[MEET_WHY]);
int meet_call(struct meet **m, const struct meet_options *o, char why[MEET_WHY]);
void meet_close(struct meet *m);

int meet_fd(const struct meet *m);
int meet_wait(const struct meet *m); /* ms until meet_step() wants to be called anyway; -1 */

enum meet_event {
	MEET_NOTHING, /* nothing left to report now */
	/* *p is a peer that has our key. p->handshake.differs may say that it is no use; the fd is
	 * the caller's from here on (non-blocking, TCP_NODELAY), and so is *p: meet_free(). */
	MEET_PEER,
	/* Somebody was turned away, or an attempt to call has failed (it goes on by itself):
	 * *p->why says who and why, once for each. For -v and for messages about a timeout. */
	MEET_REFUSED,
};

struct meet_peer {
	int fd;
	char name[64]; /* address and port as text */
	char why[MEET_WHY];
	struct handshake handshake;
};

/* Reports one event; call until MEET_NOTHING. *p is set with the other two: meet_free() it. */
enum meet_event meet_step(struct meet *m, struct meet_peer **p);
/* Frees, wipes, and closes an fd that is still set (>= 0): take it by setting it to -1. */
void meet_free(struct meet_peer *p);

#endif
