/* SPDX-License-Identifier: MIT */
#include "handshake.h"

#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define MAGIC "TANDEM\r\n"

_Static_assert(sizeof(struct hello) <= sizeof(((struct handshake *)0)->hello[0]), "room");

enum { CALLER, LISTENER }; /* places in hello[] */

#define ABLE_AES 1u /* AES-256-GCM in hardware */

static int fail(struct handshake *h, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct handshake *h, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(h->why, sizeof(h->why), format, args);
	va_end(args);
	h->phase = HANDSHAKE_FAILED;
	h->out_bytes = h->out_sent = 0;
	return error;
}

/* ---- items ---- */

static bool printable(const char *text)
{
	for (; *text; text++) {
		if (!isprint((unsigned char)*text))
			return false;
	}
	return true;
}

bool handshake_add(struct handshake_items *items, enum handshake_rule rule, const char *name,
		   const char *value)
{
	struct handshake_item *item = &items->item[items->count];

	if (items->count == HANDSHAKE_ITEMS || !*name || strlen(name) >= sizeof(item->name) ||
	    strlen(value) >= sizeof(item->value) || !printable(name) || !printable(value))
		return false;
	item->rule = rule;
	strcpy(item->name, name);
	strcpy(item->value, value);
	items->count++;
	return true;
}

static const struct handshake_item *find(const struct handshake_items *items, const char *name)
{
	for (unsigned i = 0; i < items->count; i++) {
		if (!strcmp(items->item[i].name, name))
			return &items->item[i];
	}
	return NULL;
}

const char *handshake_value(const struct handshake_items *items, const char *name)
{
	const struct handshake_item *item = find(items, name);

	return item ? item->value : NULL;
}

/* NAME\0VALUE\0 for each. The rule isn't sent: it's the reader's. */
static size_t pack(const struct handshake_items *items, uint8_t *to)
{
	size_t at = 0;

	for (unsigned i = 0; i < items->count; i++) {
		at += (size_t)sprintf((char *)to + at, "%s", items->item[i].name) + 1;
		at += (size_t)sprintf((char *)to + at, "%s", items->item[i].value) + 1;
	}
	return at;
}

static enum handshake_rule rule_of(const struct handshake_items *ours, const char *name)
{
	const struct handshake_item *item = find(ours, name);

	return item ? item->rule : HANDSHAKE_SAME;
}

static bool unpack(struct handshake *h, const uint8_t *from, size_t bytes)
{
	const char *at = (const char *)from, *end = at + bytes;

	h->theirs.count = 0;
	while (at < end) {
		const char *name = at, *value;

		at += strnlen(at, (size_t)(end - at)) + 1;
		value = at;
		if (at >= end)
			return false;
		at += strnlen(at, (size_t)(end - at)) + 1;
		if (at > end || handshake_value(&h->theirs, name) ||
		    !handshake_add(&h->theirs, rule_of(h->ours, name), name, value))
			return false;
	}
	return true;
}

static bool differs(const struct handshake *h, enum handshake_rule rule, const char *name)
{
	const char *our = handshake_value(h->ours, name),
		   *their = handshake_value(&h->theirs, name);
	const char *isa[] = {handshake_value(h->ours, HANDSHAKE_ISA),
			     handshake_value(&h->theirs, HANDSHAKE_ISA)};

	if (rule == HANDSHAKE_TOLD)
		return false;
	if (rule == HANDSHAKE_SAME_ISA && isa[0] && isa[1] && strcmp(isa[0], isa[1]) != 0)
		return false;
	return !our || !their || strcmp(our, their) != 0;
}

/* The name of difference number `wanted`; NULL: there are only *count. */
static const char *difference(const struct handshake *h, unsigned wanted, unsigned *count)
{
	*count = 0;
	for (unsigned i = 0; i < h->ours->count; i++) {
		const struct handshake_item *item = &h->ours->item[i];

		if (differs(h, item->rule, item->name) && (*count)++ == wanted)
			return item->name;
	}
	for (unsigned i = 0; i < h->theirs.count; i++) {
		const struct handshake_item *item = &h->theirs.item[i];

		if (!handshake_value(h->ours, item->name) && (*count)++ == wanted)
			return item->name;
	}
	return NULL;
}

void handshake_differ(const struct handshake *h, unsigned i, const char *us, const char *them,
		      char *line, size_t size)
{
	unsigned count;
	const char *name = difference(h, i, &count), *our, *their;

	if (!name) {
		snprintf(line, size, "nothing differs");
		return;
	}
	our = handshake_value(h->ours, name);
	their = handshake_value(&h->theirs, name);
	snprintf(line, size, "%s differs: %s %s, %s %s", name, us, our ?: "says nothing", them,
		 their ?: "says nothing");
}

/* ---- keys ---- */

/* Keyed with the shared key, which without one is zero: then it's a checksum. */
static void mac(const struct handshake *h, unsigned whose, uint8_t to[32])
{
	crypto_generichash_state s;

	crypto_generichash_init(&s, h->key.bytes, sizeof(h->key.bytes), 32);
	crypto_generichash_update(&s, (const uint8_t *)(whose == CALLER ? "caller" : "listen"), 6);
	if (whose == LISTENER)
		crypto_generichash_update(&s, h->hello[CALLER], sizeof(struct hello));
	crypto_generichash_update(&s, h->hello[whose], offsetof(struct hello, mac));
	crypto_generichash_final(&s, to, 32);
}

static void say_hello(struct handshake *h)
{
	unsigned me = h->caller ? CALLER : LISTENER;
	struct hello own = {.magic = MAGIC,
			    .version = htole32(HANDSHAKE_VERSION),
			    .abilities = htole32(seal_has_aes() ? ABLE_AES : 0)};

	crypto_scalarmult_base(own.public, h->secret);
	randombytes_buf(own.nonce, sizeof(own.nonce));
	memcpy(h->hello[me], &own, sizeof(own));
	mac(h, me, own.mac);
	memcpy(h->hello[me], &own, sizeof(own));
	memcpy(h->out, &own, sizeof(own));
	h->out_bytes = sizeof(own);
	h->out_sent = 0;
}

static int derive(struct handshake *h)
{
	const struct hello *theirs = (const void *)h->hello[h->caller ? LISTENER : CALLER];
	uint8_t shared[32], both[64];
	crypto_generichash_state s;

	/* Zero: a point that makes the secret known. */
	if (crypto_scalarmult(shared, h->secret, theirs->public))
		return -EPROTO;
	crypto_generichash_init(&s, h->key.bytes, sizeof(h->key.bytes), sizeof(both));
	crypto_generichash_update(&s, (const uint8_t *)"keys", 4);
	crypto_generichash_update(&s, shared, sizeof(shared));
	crypto_generichash_update(&s, h->hello[CALLER], sizeof(struct hello));
	crypto_generichash_update(&s, h->hello[LISTENER], sizeof(struct hello));
	crypto_generichash_final(&s, both, sizeof(both));
	h->keys.cipher = seal_has_aes() && le32toh(theirs->abilities) & ABLE_AES ? SEAL_AES256
										 : SEAL_CHACHA20;
	memcpy(h->keys.send, h->caller ? both : both + 32, 32);
	memcpy(h->keys.receive, h->caller ? both + 32 : both, 32);
	sodium_memzero(shared, sizeof(shared));
	sodium_memzero(both, sizeof(both));
	sodium_memzero(h->secret, sizeof(h->secret));
	return 0;
}

/* A key of its own: the connection's boxes begin to count anew. */
static void facts_key(const uint8_t key[32], struct seal *s)
{
	uint8_t own[KEY_BYTES];

	crypto_generichash(own, sizeof(own), (const uint8_t *)"items", 5, key, 32);
	seal_begin(s, SEAL_CHACHA20, own);
	sodium_memzero(own, sizeof(own));
}

static void say_items(struct handshake *h)
{
	struct seal s;
	size_t n = pack(h->ours, h->out + h->out_bytes + SEAL_SIZE);

	facts_key(h->keys.send, &s);
	h->out_bytes += seal_close(&s, h->out + h->out_bytes, n);
	sodium_memzero(&s, sizeof(s));
}

/* ---- the machine ---- */

int handshake_begin(struct handshake *h, bool caller, const struct key *key,
		    const struct handshake_items *ours)
{
	memset(h, 0, sizeof(*h));
	if (sodium_init() < 0)
		return -EIO;
	h->caller = caller;
	h->ours = ours;
	if (key)
		h->key = *key;
	randombytes_buf(h->secret, sizeof(h->secret));
	h->in_wanted = sizeof(struct hello);
	if (caller)
		say_hello(h);
	return 0;
}

size_t handshake_wants(const struct handshake *h)
{
	return h->phase < HANDSHAKE_DONE ? h->in_wanted - h->in_bytes : 0;
}

static int take_hello(struct handshake *h)
{
	unsigned peer = h->caller ? LISTENER : CALLER;
	struct hello theirs;
	uint8_t right[32];

	memcpy(&theirs, h->in, sizeof(theirs));
	memcpy(h->hello[peer], &theirs, sizeof(theirs));
	if (memcmp(theirs.magic, MAGIC, sizeof(theirs.magic)) != 0)
		return fail(h, -EPROTO, "what is there doesn't speak tandem's protocol");
	mac(h, peer, right);
	if (sodium_memcmp(right, theirs.mac, sizeof(right)) != 0)
		return fail(h, -EACCES, "it doesn't have our key (key_file)");
	if (le32toh(theirs.version) != HANDSHAKE_VERSION) {
		if (!h->caller)
			say_hello(h); /* so that the caller can name it, too */
		h->phase = HANDSHAKE_FAILED;
		snprintf(h->why, sizeof(h->why),
			 "protocol version differs: ours is %u, its is %u; install the same "
			 "tandem on both hosts",
			 HANDSHAKE_VERSION, le32toh(theirs.version));
		return -EPROTO;
	}
	if (!h->caller)
		say_hello(h);
	if (derive(h))
		return fail(h, -EPROTO, "its ephemeral key is none");
	if (h->caller)
		say_items(h);
	h->phase = HANDSHAKE_FACTS;
	h->in_bytes = 0;
	h->in_wanted = SEAL_SIZE;
	return 0;
}

static int take_items(struct handshake *h)
{
	size_t plain = 0;
	struct seal s;
	long n;

	if (h->in_bytes == SEAL_SIZE) {
		uint32_t size;

		memcpy(&size, h->in, sizeof(size));
		size = le32toh(size);
		if (size <= SEAL_TAG || size > sizeof(h->in) - SEAL_SIZE)
			return fail(h, -EPROTO, "its list of facts has an impossible size");
		h->in_wanted += size;
		return 0;
	}
	facts_key(h->keys.receive, &s);
	n = seal_open(&s, h->in, h->in_bytes, &plain);
	sodium_memzero(&s, sizeof(s));
	if (n <= 0)
		return fail(h, -EACCES, "its list of facts was changed under way, or played again");
	if (!unpack(h, h->in + SEAL_SIZE, plain))
		return fail(h, -EPROTO, "its list of facts is malformed");
	if (!h->caller)
		say_items(h);
	difference(h, UINT32_MAX, &h->differs);
	h->phase = HANDSHAKE_DONE;
	return 0;
}

int handshake_input(struct handshake *h, const void *bytes, size_t n)
{
	if (n > handshake_wants(h))
		return fail(h, -EPROTO, "more was given than belongs to a handshake");
	memcpy(h->in + h->in_bytes, bytes, n);
	h->in_bytes += n;
	if (h->in_bytes < h->in_wanted)
		return 0;
	return h->phase == HANDSHAKE_HELLO ? take_hello(h) : take_items(h);
}

const void *handshake_output(const struct handshake *h, size_t *n)
{
	*n = h->out_bytes - h->out_sent;
	return h->out + h->out_sent;
}

void handshake_sent(struct handshake *h, size_t n)
{
	h->out_sent += n;
	if (h->out_sent == h->out_bytes)
		h->out_sent = h->out_bytes = 0;
}

void handshake_end(struct handshake *h)
{
	sodium_memzero(h, sizeof(*h));
}

/* ---- over a socket ---- */

static int send_out(struct handshake *h, int fd)
{
	size_t n;
	const void *bytes = handshake_output(h, &n);
	ssize_t sent;

	if (!n)
		return 0;
	sent = send(fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	handshake_sent(h, (size_t)sent);
	return 0;
}

static int receive_some(struct handshake *h, int fd)
{
	uint8_t bytes[4096];
	size_t n = handshake_wants(h);
	ssize_t got = recv(fd, bytes, n < sizeof(bytes) ? n : sizeof(bytes), MSG_DONTWAIT);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (got == 0) {
		fail(h, -ECONNRESET, "%s",
		     h->phase == HANDSHAKE_HELLO
			     ? "it has hung up without an answer: does it have the same key "
			       "(key_file), and is that port tandem's?"
			     : "it has hung up in the middle of the handshake");
		return -ECONNRESET;
	}
	got = handshake_input(h, bytes, (size_t)got);
	return got < 0 ? (int)got : 1;
}

int handshake_step(struct handshake *h, int fd, short *events)
{
	int rc = 1;

	while (rc > 0 && h->phase < HANDSHAKE_DONE) {
		rc = send_out(h, fd);
		if (!rc)
			rc = receive_some(h, fd);
	}
	if (rc >= 0 || h->out_bytes) { /* the hello that tells our version is still owed */
		int error = send_out(h, fd);

		rc = rc < 0 ? rc : error;
	}
	if (rc < 0) {
		if (h->phase != HANDSHAKE_FAILED)
			fail(h, rc, "%s", strerror(-rc));
		return rc;
	}
	*events = POLLIN;
	if (h->out_bytes)
		*events = POLLOUT | (h->phase < HANDSHAKE_DONE ? POLLIN : 0);
	return h->phase == HANDSHAKE_DONE && !h->out_bytes;
}
