/* SPDX-License-Identifier: MIT */
/* The handshake as a machine, and how hosts meet. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <netinet/in.h>
#include <unistd.h>
#include <cmocka.h>

#include "transport/handshake.h"
#include "transport/meet.h"

static const struct key key = {.bytes = {1, 2, 3}}, other_key = {.bytes = {1, 2, 4}};

static struct handshake_items facts(const char *policy, const char *isa, const char *program)
{
	struct handshake_items items = {0};

	assert_true(handshake_add(&items, HANDSHAKE_SAME, "policy", policy));
	assert_true(handshake_add(&items, HANDSHAKE_SAME, "isa", isa));
	assert_true(handshake_add(&items, HANDSHAKE_SAME_ISA, "program", program));
	assert_true(handshake_add(&items, HANDSHAKE_TOLD, "host", isa));
	return items;
}

/* Carries bytes from one to the other, at most `most` at a time. True: some. */
static bool carry(struct handshake *from, struct handshake *to, size_t most)
{
	size_t n, wants = handshake_wants(to);
	const void *bytes = handshake_output(from, &n);

	if (n > most)
		n = most;
	if (n > wants)
		n = wants;
	if (!n)
		return false;
	handshake_input(to, bytes, n);
	handshake_sent(from, n);
	return true;
}

static void converse(struct handshake *a, struct handshake *b, size_t most)
{
	while (carry(a, b, most) | carry(b, a, most))
		;
}

static void test_agree(void **state)
{
	const size_t pieces[] = {1, 3, 111, 112, 113, 100000};
	struct handshake_items ours = facts("full", "x86_64", "/bin/a 12");

	(void)state;
	for (unsigned i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		static struct handshake a, b;

		assert_int_equal(handshake_begin(&a, true, i ? &key : NULL, &ours), 0);
		assert_int_equal(handshake_begin(&b, false, i ? &key : NULL, &ours), 0);
		converse(&a, &b, pieces[i]);
		assert_int_equal(a.phase, HANDSHAKE_DONE);
		assert_int_equal(b.phase, HANDSHAKE_DONE);
		assert_int_equal(a.differs, 0);
		assert_int_equal(b.differs, 0);
		assert_memory_equal(a.keys.send, b.keys.receive, KEY_BYTES);
		assert_memory_equal(a.keys.receive, b.keys.send, KEY_BYTES);
		assert_memory_not_equal(a.keys.send, a.keys.receive, KEY_BYTES);
		assert_string_equal(handshake_value(&b.theirs, "host"), "x86_64");
		handshake_end(&a);
		handshake_end(&b);
	}
}

static void test_differences(void **state)
{
	struct handshake_items ours = facts("base", "x86_64", "1"),
			       theirs = facts("full", "x86_64", "2");
	static struct handshake a, b;
	char line[600];

	(void)state;
	assert_true(handshake_add(&theirs, HANDSHAKE_SAME, "ring size", "65536"));
	assert_int_equal(handshake_begin(&a, true, &key, &ours), 0);
	assert_int_equal(handshake_begin(&b, false, &key, &theirs), 0);
	converse(&a, &b, 1000);
	assert_int_equal(a.phase, HANDSHAKE_DONE);
	assert_int_equal(b.phase, HANDSHAKE_DONE);
	assert_int_equal(a.differs, 3);
	assert_int_equal(b.differs, 3);
	handshake_differ(&a, 0, "host a", "host b", line, sizeof(line));
	assert_string_equal(line, "policy differs: host a base, host b full");
	handshake_differ(&b, 0, "host b", "host a", line, sizeof(line));
	assert_string_equal(line, "policy differs: host b full, host a base");
	handshake_differ(&a, 2, "host a", "host b", line, sizeof(line));
	assert_string_equal(line, "ring size differs: host a says nothing, host b 65536");
	handshake_end(&a);
	handshake_end(&b);
}

/* Programs are compared where the ISA is the same. */
static void test_other_isa(void **state)
{
	struct handshake_items ours = facts("base", "x86_64", "1"),
			       theirs = facts("base", "aarch64", "2");
	static struct handshake a, b;

	(void)state;
	ours.item[1].rule = theirs.item[1].rule = HANDSHAKE_TOLD;
	assert_int_equal(handshake_begin(&a, true, &key, &ours), 0);
	assert_int_equal(handshake_begin(&b, false, &key, &theirs), 0);
	converse(&a, &b, 1000);
	assert_int_equal(a.differs + b.differs, 0);
	assert_int_equal(b.phase, HANDSHAKE_DONE);
}

/* The listener says nothing to whoever doesn't have the key. */
static void test_wrong_key(void **state)
{
	struct handshake_items ours = facts("base", "x86_64", "1");
	static struct handshake a, b;
	size_t n;

	(void)state;
	assert_int_equal(handshake_begin(&a, true, &other_key, &ours), 0);
	assert_int_equal(handshake_begin(&b, false, &key, &ours), 0);
	converse(&a, &b, 1000);
	assert_int_equal(b.phase, HANDSHAKE_FAILED);
	assert_non_null(strstr(b.why, "key"));
	handshake_output(&b, &n);
	assert_int_equal(n, 0);
	assert_int_equal(a.phase, HANDSHAKE_HELLO);
}

/* Each byte that crosses is changed once: nobody is taken in, nothing crashes. */
static void test_changed_bytes(void **state)
{
	struct handshake_items ours = facts("base", "x86_64", "1");

	(void)state;
	for (size_t at = 0;; at++) {
		static struct handshake a, b;
		bool changed = false, went = true;
		size_t seen = 0;

		assert_int_equal(handshake_begin(&a, true, &key, &ours), 0);
		assert_int_equal(handshake_begin(&b, false, &key, &ours), 0);
		while (went) {
			struct handshake *from[] = {&a, &b}, *to[] = {&b, &a};

			went = false;
			for (int i = 0; i < 2; i++) {
				size_t n;
				const void *out = handshake_output(from[i], &n);
				size_t wants = handshake_wants(to[i]);
				uint8_t bytes[512];

				n = n < wants ? n : wants;
				if (!n)
					continue;
				memcpy(bytes, out, n);
				if (at >= seen && at < seen + n) {
					bytes[at - seen] ^= 0x10;
					changed = true;
				}
				seen += n;
				handshake_sent(from[i], n);
				handshake_input(to[i], bytes, n);
				went = true;
			}
		}
		if (!changed) {
			assert_true(seen == at && seen > 300);
			break;
		}
		assert_false(a.phase == HANDSHAKE_DONE && b.phase == HANDSHAKE_DONE);
	}
}

/* A recorded caller is of no use: the listener's answer is another one each time. */
static void test_replayed_caller(void **state)
{
	struct handshake_items ours = facts("base", "x86_64", "1");
	static struct handshake a, b, c;
	uint8_t said[4096];
	size_t total = 0, at = 0, n;

	(void)state;
	assert_int_equal(handshake_begin(&a, true, &key, &ours), 0);
	assert_int_equal(handshake_begin(&b, false, &key, &ours), 0);
	for (int turn = 0; turn < 4; turn++) {
		const void *out = handshake_output(&a, &n);

		memcpy(said + total, out, n);
		total += n;
		while (carry(&a, &b, 10000))
			;
		while (carry(&b, &a, 10000))
			;
	}
	assert_int_equal(b.phase, HANDSHAKE_DONE);
	assert_int_equal(handshake_begin(&c, false, &key, &ours), 0);
	while (c.phase < HANDSHAKE_DONE && at < total) {
		n = handshake_wants(&c);
		n = n < total - at ? n : total - at;
		handshake_input(&c, said + at, n);
		at += n;
	}
	assert_int_equal(c.phase, HANDSHAKE_FAILED);
	assert_non_null(strstr(c.why, "played again"));
}

/* A hello as another version would say it, with a MAC that is right for it. */
static void as_version(uint8_t hello[112], uint32_t version, const struct key *with,
		       const uint8_t *callers)
{
	crypto_generichash_state s;

	version = htole32(version);
	memcpy(hello + 8, &version, sizeof(version));
	crypto_generichash_init(&s, with->bytes, sizeof(with->bytes), 32);
	crypto_generichash_update(&s, (const uint8_t *)(callers ? "listen" : "caller"), 6);
	if (callers)
		crypto_generichash_update(&s, callers, 112);
	crypto_generichash_update(&s, hello, 80);
	crypto_generichash_final(&s, hello + 80, 32);
}

/* Either side may be the older one; both learn of it, with and without a key. */
static void test_other_version(void **state)
{
	static const struct key none;
	struct handshake_items ours = facts("base", "x86_64", "1");

	(void)state;
	for (unsigned keyed = 0; keyed < 2; keyed++) {
		const struct key *k = keyed ? &key : NULL, *with = keyed ? &key : &none;
		static struct handshake caller, listener;
		uint8_t called[112], answered[112];
		char named[100];
		size_t n;

		snprintf(named, sizeof(named),
			 "protocol version differs: ours is %u, its is %u; install the same tandem",
			 HANDSHAKE_VERSION, HANDSHAKE_VERSION + 1);
		assert_int_equal(handshake_begin(&caller, true, k, &ours), 0);
		assert_int_equal(handshake_begin(&listener, false, k, &ours), 0);
		memcpy(called, handshake_output(&caller, &n), sizeof(called));
		assert_int_equal(n, sizeof(called));
		as_version(called, HANDSHAKE_VERSION + 1, with, NULL);
		assert_int_equal(handshake_input(&listener, called, sizeof(called)), -EPROTO);
		assert_int_equal(listener.phase, HANDSHAKE_FAILED);
		assert_non_null(strstr(listener.why, named));

		/* It answers nevertheless: the caller, of whatever version, is to know why. */
		memcpy(answered, handshake_output(&listener, &n), sizeof(answered));
		assert_int_equal(n, sizeof(answered));
		memcpy(called, handshake_output(&caller, &n), sizeof(called));
		as_version(answered, HANDSHAKE_VERSION + 1, with, called);
		assert_int_equal(handshake_input(&caller, answered, sizeof(answered)), -EPROTO);
		assert_int_equal(caller.phase, HANDSHAKE_FAILED);
		assert_non_null(strstr(caller.why, named));
		handshake_output(&caller, &n);
		assert_int_equal(n, sizeof(called)); /* its hello; no items follow */
		handshake_end(&caller);
		handshake_end(&listener);
	}
}

/* What isn't tandem's gets no answer. */
static void test_other_protocol(void **state)
{
	struct handshake_items ours = facts("base", "x86_64", "1");
	static struct handshake b;
	uint8_t garbage[112] = "GET / HTTP/1.1\r\n";

	(void)state;
	assert_int_equal(handshake_begin(&b, false, &key, &ours), 0);
	handshake_input(&b, garbage, sizeof(garbage));
	assert_int_equal(b.phase, HANDSHAKE_FAILED);
	assert_non_null(strstr(b.why, "doesn't speak"));
	assert_int_equal(handshake_wants(&b), 0);
}

/* ---- meeting ---- */

struct party {
	struct meet *m;
	struct meet_peer *peer;
	char refused[MEET_WHY]; /* why the last one was */
	unsigned slow;          /* how many were, for that */
};

static void step(struct party *p)
{
	struct meet_peer *peer;
	enum meet_event e;

	if (!p->m)
		return;
	while ((e = meet_step(p->m, &peer)) != MEET_NOTHING) {
		if (e == MEET_PEER && !p->peer) {
			p->peer = peer;
			continue;
		}
		snprintf(p->refused, sizeof(p->refused), "%s", peer->why);
		p->slow += strstr(peer->why, "too slow") != NULL;
		meet_free(peer);
	}
}

static void finish(struct party *p)
{
	meet_free(p->peer);
	if (p->m)
		meet_close(p->m);
}

static uint16_t free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (void *)&a, size), 0);
	assert_int_equal(getsockname(fd, (void *)&a, &size), 0);
	close(fd);
	return ntohs(a.sin_port);
}

/* The caller is there first. */
static void test_meet(void **state)
{
	struct handshake_items ours = facts("base", "x86_64", "1");
	struct meet_options o = {
		.address = "127.0.0.1", .port = free_port(), .key = &key, .items = &ours};
	struct party caller = {0}, listener = {0};
	char why[MEET_WHY];

	(void)state;
	assert_int_equal(meet_call(&caller.m, &o, why), 0);
	while (!*caller.refused) {
		struct pollfd p = {.fd = meet_fd(caller.m), .events = POLLIN};

		poll(&p, 1, meet_wait(caller.m));
		step(&caller);
	}
	assert_non_null(strstr(caller.refused, "Connection refused"));
	assert_int_equal(meet_listen(&listener.m, &o, why), 0);
	while (!caller.peer || !listener.peer) {
		struct pollfd p[2] = {{.fd = meet_fd(caller.m), .events = POLLIN},
				      {.fd = meet_fd(listener.m), .events = POLLIN}};

		poll(p, 2, caller.peer ? 1000 : meet_wait(caller.m));
		if (!caller.peer)
			step(&caller);
		step(&listener);
	}
	assert_memory_equal(caller.peer->handshake.keys.send, listener.peer->handshake.keys.receive,
			    KEY_BYTES);
	finish(&caller);
	finish(&listener);
}

static void test_meet_wrong_key(void **state)
{
	struct handshake_items ours = facts("base", "x86_64", "1");
	struct meet_options o = {
		.address = "localhost", .port = free_port(), .key = &key, .items = &ours};
	struct party caller = {0}, listener = {0};
	char why[MEET_WHY];

	(void)state;
	assert_int_equal(meet_listen(&listener.m, &o, why), 0);
	o.key = &other_key;
	assert_int_equal(meet_call(&caller.m, &o, why), 0);
	while (!*caller.refused || !*listener.refused) {
		step(&caller);
		step(&listener);
		usleep(1000);
	}
	assert_non_null(strstr(listener.refused, "doesn't have our key"));
	assert_non_null(strstr(caller.refused, "same key"));
	finish(&caller);
	finish(&listener);
}

/* Many who say nothing: they are bounded, go after a while, and a friend still gets in. */
static void test_strangers(void **state)
{
	struct handshake_items ours = facts("base", "x86_64", "1");
	struct meet_options o = {
		.address = "127.0.0.1", .port = free_port(), .key = &key, .items = &ours};
	struct party caller = {0}, listener = {0};
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons(o.port),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd[MEET_STRANGERS + 4];
	char why[MEET_WHY];

	(void)state;
	assert_int_equal(meet_listen(&listener.m, &o, why), 0);
	for (unsigned i = 0; i < MEET_STRANGERS + 4; i++) {
		fd[i] = socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(connect(fd[i], (void *)&a, sizeof(a)), 0);
		step(&listener);
	}
	assert_int_equal(meet_call(&caller.m, &o, why), 0);
	while (!caller.peer || !listener.peer) {
		if (!caller.peer)
			step(&caller);
		step(&listener);
		usleep(1000);
	}
	/* The friend is behind them in the queue. It may have given up on a call meanwhile, too. */
	assert_true(listener.slow >= 5);
	for (unsigned i = 0; i < MEET_STRANGERS + 4; i++)
		close(fd[i]);
	finish(&caller);
	finish(&listener);
}

static void test_listen_fails(void **state)
{
	struct meet_options o = {.address = "192.0.2.1", .port = 7000};
	struct meet *m;
	char why[MEET_WHY];

	(void)state;
	assert_int_equal(meet_listen(&m, &o, why), -EADDRNOTAVAIL);
	assert_non_null(strstr(why, "192.0.2.1:7000"));
	o.address = "here";
	assert_int_equal(meet_listen(&m, &o, why), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agree),         cmocka_unit_test(test_differences),
		cmocka_unit_test(test_other_isa),     cmocka_unit_test(test_wrong_key),
		cmocka_unit_test(test_changed_bytes), cmocka_unit_test(test_replayed_caller),
		cmocka_unit_test(test_other_version), cmocka_unit_test(test_other_protocol),
		cmocka_unit_test(test_meet),          cmocka_unit_test(test_meet_wrong_key),
		cmocka_unit_test(test_strangers),     cmocka_unit_test(test_listen_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
