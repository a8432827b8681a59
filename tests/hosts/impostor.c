/* SPDX-License-Identifier: MIT */
/*
 * A host of a session that has the key, and says what none does:
 *
 *   impostor follow ADDRESS PORT KEY_FILE plain|sealed WRONG     calls the leader's, as variant 1's
 *   impostor lead   ADDRESS PORT KEY_FILE plain|sealed WRONG     is called by a follower's
 *
 * What is compared in the handshake it takes from its peer. As a follower's host it takes part
 * until the session has begun; as the leader's it speaks at once. Exit status 0: the peer has hung
 * up then.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/message.h"
#include "transport/frame.h"
#include "transport/handshake.h"
#include "transport/seal.h"

#define BYTES (2 * SEAL_BOX)

static struct peer {
	int fd;
	bool sealed;
	struct seal seal, unseal;
	uint32_t said, heard; /* frames */
	uint8_t in[BYTES];
	size_t have;
} peer;

static void give_up(const char *what)
{
	perror(what);
	exit(1);
}

/* ---- saying ---- */

static void put(const void *bytes, size_t n)
{
	const uint8_t *from = bytes;

	while (n) {
		ssize_t sent = send(peer.fd, from, n, MSG_NOSIGNAL);

		if (sent < 0) /* it has hung up: that is what is wanted in the end */
			return;
		from += sent;
		n -= (size_t)sent;
	}
}

/* The frame as it goes over the wire, for `put`. */
static size_t make(struct frame f, uint32_t sequence, const void *payload, uint8_t *box)
{
	size_t n = FRAME_HEADER;
	uint8_t *to = box + SEAL_SIZE;

	frame_encode(to, &f, sequence);
	if (payload) {
		memcpy(to + n, payload, f.size);
		n += f.size;
	}
	if (peer.sealed)
		return seal_close(&peer.seal, box, n);
	memmove(box, to, n);
	return n;
}

static void say(struct frame f, uint32_t sequence, const void *payload)
{
	static uint8_t box[SEAL_BOX];

	put(box, make(f, sequence, payload, box));
}

static void say_next(struct frame f, const void *payload)
{
	say(f, peer.said++, payload);
}

static void say_message(uint32_t kind)
{
	struct message m = {.kind = kind};

	say_next((struct frame){.type = FRAME_MESSAGE, .size = sizeof(m)}, &m);
}

static void say_wrong(const char *what)
{
	static uint8_t box[SEAL_BOX], payload[FRAME_PAYLOAD];
	const struct frame ping = {.type = FRAME_PING, .position = 7};
	size_t n;

	if (!strcmp(what, "garbage")) {
		randombytes_buf(payload, 1000);
		put(payload, 1000);
	} else if (!strcmp(what, "truncated")) {
		n = make(ping, peer.said, NULL, box);
		put(box, n / 2);
		shutdown(peer.fd, SHUT_WR);
	} else if (!strcmp(what, "replayed")) {
		n = make(ping, peer.said, NULL, box);
		put(box, n);
		put(box, n);
	} else if (!strcmp(what, "reordered")) {
		say(ping, peer.said + 1, NULL);
	} else if (!strcmp(what, "oversized")) {
		say((struct frame){.type = FRAME_MESSAGE, .size = FRAME_PAYLOAD + 1}, peer.said,
		    NULL);
	} else if (!strcmp(what, "tail")) {
		say_next((struct frame){.type = FRAME_TAIL, .position = 1ull << 40}, NULL);
	} else if (!strcmp(what, "bytes")) {
		/* To a follower's host: more than any ring has room for. */
		for (uint64_t at = 0; at < 1ull << 31 && send(peer.fd, "", 0, MSG_NOSIGNAL) == 0;
		     at += FRAME_PAYLOAD)
			say_next((struct frame){.type = FRAME_BYTES,
						.size = FRAME_PAYLOAD,
						.position = at},
				 payload);
	} else if (!strcmp(what, "message")) {
		say_message(99);
	} else {
		give_up("no such wrong");
	}
}

/* ---- hearing ---- */

/* Frames of plain bytes; messages are counted. */
static size_t hear_frames(const uint8_t *from, size_t n, unsigned *messages, unsigned *bytes)
{
	const char *reason;
	size_t taken = 0;
	struct frame f;

	while (frame_decode(from + taken, n - taken, peer.heard, &f, &reason) > 0 &&
	       n - taken >= FRAME_HEADER + f.size) {
		*messages += f.type == FRAME_MESSAGE;
		*bytes += f.type == FRAME_BYTES;
		peer.heard++;
		taken += FRAME_HEADER + f.size;
	}
	return taken;
}

/* What has come: false at the end. */
static bool hear(unsigned *messages, unsigned *bytes)
{
	ssize_t n = recv(peer.fd, peer.in + peer.have, BYTES - peer.have, 0);
	size_t taken = 0, plain;

	if (n <= 0)
		return false;
	peer.have += (size_t)n;
	for (;;) {
		long box = 0;

		if (!peer.sealed) {
			taken = hear_frames(peer.in, peer.have, messages, bytes);
			break;
		}
		box = seal_open(&peer.unseal, peer.in + taken, peer.have - taken, &plain);
		if (box <= 0)
			break;
		hear_frames(peer.in + taken + SEAL_SIZE, plain, messages, bytes);
		taken += (size_t)box;
	}
	memmove(peer.in, peer.in + taken, peer.have - taken);
	peer.have -= taken;
	return true;
}

/* As a follower's host does: it is prepared when it has the parameters, then ready. */
static void take_part(void)
{
	unsigned messages = 0, bytes = 0;

	while (messages < 1 && hear(&messages, &bytes))
		;
	say_message(MESSAGE_PREPARED);
	while (messages < 2 && hear(&messages, &bytes))
		;
	say_message(MESSAGE_READY);
	while (!bytes && hear(&messages, &bytes))
		;
	if (!bytes)
		give_up("the session hasn't begun");
}

/* ---- meeting ---- */

static struct sockaddr_in address_of(char **argv)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[3]))};

	inet_pton(AF_INET, argv[2], &a.sin_addr);
	return a;
}

static int call(struct sockaddr_in a)
{
	for (int i = 0; i < 200; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (!connect(fd, (void *)&a, sizeof(a)))
			return fd;
		close(fd);
		usleep(100000);
	}
	give_up("connect");
	return -1;
}

static int be_called(struct sockaddr_in a)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (void *)&a, sizeof(a)) || listen(fd, 1))
		give_up("listen");
	puts("listens");
	fflush(stdout);
	return accept(fd, NULL, NULL);
}

static void shake_hands(struct handshake *h, int fd)
{
	short events;
	int rc;

	while (!(rc = handshake_step(h, fd, &events))) {
		struct pollfd p = {.fd = fd, .events = events};

		poll(&p, 1, 10000);
	}
	if (rc < 0) {
		fprintf(stderr, "handshake: %s\n", h->why);
		exit(1);
	}
}

/* The first time to learn what it says, the second time to say the same of variant 1. */
static void meet_leader(struct handshake *h, const struct key *key, struct sockaddr_in a)
{
	static struct handshake_items none, same;

	handshake_add(&none, HANDSHAKE_TOLD, "variant", "1");
	peer.fd = call(a);
	handshake_begin(h, true, key, &none);
	shake_hands(h, peer.fd);
	close(peer.fd);
	for (unsigned i = 0; i < h->theirs.count; i++) {
		const struct handshake_item *item = &h->theirs.item[i];

		handshake_add(&same, item->rule, item->name,
			      strcmp(item->name, "variant") != 0 ? item->value : "1");
	}
	peer.fd = call(a);
	handshake_begin(h, true, key, &same);
	shake_hands(h, peer.fd);
}

/* A listener speaks second: it says what it has heard. */
static void meet_follower(struct handshake *h, const struct key *key, struct sockaddr_in a)
{
	peer.fd = be_called(a);
	handshake_begin(h, false, key, &h->theirs);
	shake_hands(h, peer.fd);
}

int main(int argc, char **argv)
{
	static struct handshake h;
	struct key key;
	char why[KEY_WHY];
	unsigned ignored = 0;
	bool leads;

	signal(SIGPIPE, SIG_IGN);
	alarm(60);
	if (argc != 7 || sodium_init() < 0 || key_load(argv[4], &key, why))
		return 2;
	leads = !strcmp(argv[1], "lead");
	(leads ? meet_follower : meet_leader)(&h, &key, address_of(argv));
	peer.sealed = !strcmp(argv[5], "sealed");
	seal_begin(&peer.seal, h.keys.cipher, h.keys.send);
	seal_begin(&peer.unseal, h.keys.cipher, h.keys.receive);
	if (!leads)
		take_part();
	say_wrong(argv[6]);
	while (hear(&ignored, &ignored))
		;
	return 0;
}
