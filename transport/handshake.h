/* SPDX-License-Identifier: MIT */
/*
 * Two supervisors prove to each other that they have the same key, agree on keys for the
 * connection, and compare what must be alike before anything starts.
 *
 *   caller                                       listener
 *   hello   version, X25519 key, nonce, MAC  ->  (nothing is answered unless the MAC is right)
 *                                            <-  hello   likewise, its MAC covers both
 *   items   encrypted                        ->
 *                                            <-  items   encrypted
 *
 * The MACs are keyed with the shared key, and so are the keys of the connection, which also depend
 * on both ephemeral keys: what was recorded can't be read when the shared key becomes known later,
 * and can't be played again. Both sides see all items of both, so both name each difference.
 *
 * struct handshake is a machine without I/O, time or allocation; any bytes may be given to it.
 * handshake_step() drives it over a socket. transport/meet.h bounds number and time of peers.
 */
#ifndef TANDEM_TRANSPORT_HANDSHAKE_H
#define TANDEM_TRANSPORT_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "key.h"
#include "seal.h"

#define HANDSHAKE_VERSION 1u
#define HANDSHAKE_ITEMS 32u
#define HANDSHAKE_NAME 24u   /* with the NUL */
#define HANDSHAKE_VALUE 256u /* with the NUL; longer values are hashed by the caller */
#define HANDSHAKE_WHY 320u

#define HANDSHAKE_ISA "isa" /* name of an item */

enum handshake_rule {
	HANDSHAKE_SAME,     /* must be the same on both hosts */
	HANDSHAKE_SAME_ISA, /* likewise, where the items HANDSHAKE_ISA are the same */
	HANDSHAKE_TOLD,     /* for the peer's information: id of the variant, host name ... */
};

/* Named facts about a host, for comparison: "policy" = "base". Printable text. */
struct handshake_item {
	enum handshake_rule rule;
	char name[HANDSHAKE_NAME];
	char value[HANDSHAKE_VALUE];
};

struct handshake_items {
	unsigned count;
	struct handshake_item item[HANDSHAKE_ITEMS];
};

/* Appends; false: no room, or the text doesn't fit. */
bool handshake_add(struct handshake_items *items, enum handshake_rule rule, const char *name,
		   const char *value);
/* Value of that name, or NULL. */
const char *handshake_value(const struct handshake_items *items, const char *name);

/* Keys of an authenticated connection. */
struct link_keys {
	enum seal_cipher cipher;
	uint8_t send[KEY_BYTES], receive[KEY_BYTES];
};

enum handshake_phase {
	HANDSHAKE_HELLO, /* awaits the peer's hello */
	HANDSHAKE_FACTS, /* awaits its items */
	HANDSHAKE_DONE,
	HANDSHAKE_FAILED,
};

/*
 * What is sent first, by both, little endian. `mac` covers all before it, and the listener's the
 * caller's hello.
 */
struct hello {
	char magic[8];
	uint32_t version;
	uint32_t abilities;
	uint8_t public[32];
	uint8_t nonce[32];
	uint8_t mac[32];
};

#define HANDSHAKE_BUFFER (64u + HANDSHAKE_ITEMS * (HANDSHAKE_NAME + HANDSHAKE_VALUE + 8))

/* Private but for phase, why, differs, theirs and keys, once done. */
struct handshake {
	enum handshake_phase phase;
	bool caller;
	char why[HANDSHAKE_WHY]; /* of a failure, one line */
	/*
	 * Done: how many items differ. They are named by handshake_differ(); the connection mustn't
	 * be used when this isn't 0.
	 */
	unsigned differs;
	struct handshake_items theirs;
	struct link_keys keys;

	const struct handshake_items *ours;
	struct key key;
	uint8_t secret[32]; /* ephemeral */
	uint8_t hello[2][128];
	uint8_t in[HANDSHAKE_BUFFER], out[HANDSHAKE_BUFFER + 128];
	size_t in_bytes, in_wanted, out_bytes, out_sent;
};

/*
 * key: NULL without one (link = "trusted", or loopback): then nobody is authenticated, but all is
 * compared. ours must outlive it, and says everything that has to be compared ("policy", "link",
 * "build" ...); the protocol's version is compared by itself. 0 or -EIO (no random numbers).
 */
int handshake_begin(struct handshake *h, bool caller, const struct key *key,
		    const struct handshake_items *ours);
/* How many bytes it wants to be given next, at most; never beyond its own part of the stream. */
size_t handshake_wants(const struct handshake *h);
/* Bytes from the peer, at most as many as it wants. 0 or -EPROTO / -EACCES (phase FAILED, why). */
int handshake_input(struct handshake *h, const void *bytes, size_t n);
/* What is to be sent now. handshake_sent() says how much of it was. */
const void *handshake_output(const struct handshake *h, size_t *n);
void handshake_sent(struct handshake *h, size_t n);
/*
 * Difference number i (< differs) as a line, "policy differs: host A base, host B full"; us and
 * them: how the hosts are called.
 */
void handshake_differ(const struct handshake *h, unsigned i, const char *us, const char *them,
		      char *line, size_t size);
/* Overwrites all secrets. */
void handshake_end(struct handshake *h);

/*
 * Does what can be done now on a non-blocking socket. 1: done, and all of ours is sent; 0: call
 * again when *events (of poll) happen; negative errno: failed, h->why says why.
 */
int handshake_step(struct handshake *h, int fd, short *events);

#endif
