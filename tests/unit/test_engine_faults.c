/* SPDX-License-Identifier: MIT */
/* Peers that die, fall silent, or say what can't be: the link is lost with the reason. */
#include "engine_test.h"

#include <errno.h>
#include <sys/socket.h>

#include "transport/frame.h"
#include "transport/link.h"
#include "transport/seal.h"

static const struct link_keys keys = {.send = {1}, .receive = {2}};

/* An engine with one link; the test holds the other end. */
struct raw {
	struct host h;
	int fd;
	struct seal seal;
};

static void raw_begin(struct raw *r, bool leader, int64_t deadline)
{
	int fd[2];

	host_begin(&r->h, leader, way, HOST_RING, 1, deadline);
	host_sockets(way, fd);
	r->fd = fd[1];
	r->seal = (struct seal){.key = {2}};
	host_link_raw(&r->h, 0, fd[0], way->sealed ? &keys : NULL);
}

static void raw_end(struct raw *r)
{
	if (r->fd >= 0)
		close(r->fd);
	host_end(&r->h);
}

/* Sends plain frames as a peer that has the keys does. */
static void say(struct raw *r, const void *bytes, size_t n)
{
	static uint8_t box[SEAL_BOX];

	memcpy(box + SEAL_SIZE, bytes, n);
	if (way->sealed)
		n = seal_close(&r->seal, box, n);
	assert_int_equal(send(r->fd, way->sealed ? box : box + SEAL_SIZE, n, MSG_NOSIGNAL), n);
}

static void say_frame(struct raw *r, struct frame f, uint32_t sequence)
{
	static uint8_t bytes[FRAME_HEADER + FRAME_PAYLOAD];

	frame_encode(bytes, &f, sequence);
	memset(bytes + FRAME_HEADER, 7, f.size);
	say(r, bytes, FRAME_HEADER + f.size);
}

static void expect_lost(struct host *h, const char *why)
{
	struct engine_event e;

	do
		host_event(h, &e);
	while (e.kind != ENGINE_LOST && (free(e.data), true));
	if (!strstr(e.why, why))
		fail_msg("lost for another reason than '%s': %s", why, e.why);
	assert_int_equal(engine_send(h->engine, 0, "x", 1), -ENOTCONN);
}

/* What a peer may say wrong; to a follower's host, or with `leader` to the leader's. */
static const struct {
	bool leader;
	struct frame f;
	uint32_t sequence;
	const char *why;
} wrong[] = {
	{false, {.type = 0}, 0, "no known type"},
	{false, {.type = FRAME_TYPES}, 0, "no known type"},
	{false, {.type = FRAME_BYTES, .size = 10}, 1, "out of sequence"},
	{false, {.type = FRAME_BYTES}, 0, "empty"},
	{false, {.type = FRAME_PING, .size = 3}, 0, "a payload that its type hasn't"},
	{false, {.type = FRAME_BYTES, .size = 10, .position = 1}, 0, "where 0 are next"},
	{false, {.type = FRAME_BYTES, .size = 10, .position = UINT64_MAX}, 0, "beyond all streams"},
	{false, {.type = FRAME_BYTES, .size = 10, .stream = 1}, 0, "isn't open"},
	{false, {.type = FRAME_STREAMS, .stream = SESSION_STREAMS}, 0, "can't be"},
	{false, {.type = FRAME_STREAMS, .position = 2}, 0, "position that its type hasn't"},
	{false, {.type = FRAME_WANT, .position = 1}, 0, "hasn't sent"},
	{false, {.type = FRAME_TAIL, .position = 1}, 0, "has not begun"},
	{false, {.type = FRAME_HALT}, 0, "only a follower's host"},
	{false, {.type = FRAME_PONG, .position = 12}, 0, "wasn't asked"},
	{true, {.type = FRAME_BYTES, .size = 10}, 0, "isn't open"},
	{true, {.type = FRAME_WANT}, 0, "hasn't sent"},
	{true, {.type = FRAME_STREAMS, .stream = 1}, 0, "can't be"},
	{true, {.type = FRAME_TAIL, .position = 1}, 0, "where 0..0 can be"},
	{true, {.type = FRAME_TAIL, .stream = 9}, 0, "has not begun"},
};

static void test_wrong_frames(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct raw r;
		struct ring_tx tx;

		raw_begin(&r, wrong[i].leader, 0);
		if (wrong[i].leader)
			host_tx(&r.h, 0, &tx, &defaults);
		if (wrong[i].leader)
			usleep(50000); /* naps are over: the stream is open */
		say_frame(&r, wrong[i].f, wrong[i].sequence);
		expect_lost(&r.h, wrong[i].why);
		raw_end(&r);
	}
}

static void test_too_much(void **state)
{
	struct raw r;
	uint8_t header[FRAME_HEADER];

	(void)state;
	raw_begin(&r, false, 0);
	say_frame(&r, (struct frame){.type = FRAME_BYTES, .size = HOST_RING}, 0);
	say_frame(&r, (struct frame){.type = FRAME_BYTES, .size = 1, .position = HOST_RING}, 1);
	expect_lost(&r.h, "more of stream 0 than fits");
	raw_end(&r);

	raw_begin(&r, false, 0);
	frame_encode(header, &(struct frame){.type = FRAME_MESSAGE, .size = FRAME_PAYLOAD + 1}, 0);
	say(&r, header, sizeof(header));
	expect_lost(&r.h, "larger than allowed");
	raw_end(&r);
}

/* A frame that was right once. */
static void test_replay(void **state)
{
	uint8_t bytes[FRAME_HEADER + 10] = {0};
	uint8_t box[SEAL_SIZE + sizeof(bytes) + SEAL_TAG];
	const void *what = bytes;
	size_t n = sizeof(bytes);
	struct raw r;

	(void)state;
	raw_begin(&r, false, 0);
	frame_encode(bytes, &(struct frame){.type = FRAME_BYTES, .size = 10}, 0);
	if (way->sealed) {
		memcpy(box + SEAL_SIZE, bytes, n);
		n = seal_close(&r.seal, box, n);
		what = box;
	}
	assert_int_equal(send(r.fd, what, n, 0), n);
	assert_int_equal(send(r.fd, what, n, 0), n);
	expect_lost(&r.h, "replayed");
	assert_int_equal(atomic_load(&host_producer(&r.h, 0)->head), 10);
	raw_end(&r);
}

/* Encrypted links: each byte of a box changed, another key, an impossible size. */
static void test_forged(void **state)
{
	uint8_t bytes[FRAME_HEADER + 10] = {0};

	(void)state;
	if (!way->sealed)
		return;
	for (size_t at = 0; at < SEAL_SIZE + sizeof(bytes) + SEAL_TAG; at += 3) {
		uint8_t box[SEAL_SIZE + sizeof(bytes) + SEAL_TAG];
		struct engine_event e;
		struct raw r;
		size_t n;

		raw_begin(&r, false, 0);
		frame_encode(box + SEAL_SIZE, &(struct frame){.type = FRAME_BYTES, .size = 10}, 0);
		memset(box + SEAL_SIZE + FRAME_HEADER, 0, 10);
		n = seal_close(&r.seal, box, sizeof(bytes));
		box[at] ^= 0x40;
		assert_int_equal(send(r.fd, box, n, 0), n);
		close(r.fd); /* a size that is larger now waits for more */
		r.fd = -1;
		host_event(&r.h, &e);
		assert_int_equal(e.kind, ENGINE_LOST);
		assert_int_equal(atomic_load(&host_producer(&r.h, 0)->head), 0);
		raw_end(&r);
	}
}

/* Frames in pieces of every kind are whole in the end. */
static void test_pieces(void **state)
{
	static const size_t pieces[] = {1, 7, 23, 24, 25, 1000};

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		static uint8_t box[SEAL_BOX];
		uint8_t *from = box + SEAL_SIZE;
		size_t n = 0;
		struct raw r;
		struct ring_rx rx;

		raw_begin(&r, false, 0);
		host_rx(&r.h, 0, &rx, &defaults);
		for (uint32_t f = 0; f < 3; f++) {
			struct frame frame = {
				.type = FRAME_BYTES, .size = 700, .position = f * 700};

			frame_encode(from + n, &frame, f);
			n += FRAME_HEADER;
			for (uint32_t b = 0; b < 700; b++)
				from[n++] = byte_at(f * 700 + b);
		}
		if (way->sealed) {
			n = seal_close(&r.seal, box, n);
			from = box;
		}
		for (size_t at = 0; at < n; at += pieces[i]) {
			size_t m = n - at < pieces[i] ? n - at : pieces[i];

			assert_int_equal(send(r.fd, from + at, m, 0), m);
			if (at % 16 == 0)
				sched_yield();
		}
		host_enter(&r.h);
		get(&rx, 2100);
		raw_end(&r);
	}
}

/* Messages that nobody takes: they wait, up to a limit. */
static void test_flood(void **state)
{
	static uint8_t bytes[SEAL_BOX];
	static const uint32_t sizes[] = {FRAME_PAYLOAD, 1000};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct frame f = {.type = FRAME_MESSAGE, .size = sizes[i]};
		unsigned most = ENGINE_WAITING / f.size + 1, came = 0;
		struct engine_event e;
		struct raw r;
		ssize_t n, sent;

		raw_begin(&r, true, 0);
		for (uint32_t k = 0;; k++) {
			assert_true(k < 2 * most);
			frame_encode(bytes + SEAL_SIZE, &f, k);
			n = FRAME_HEADER + f.size;
			if (way->sealed)
				n = (ssize_t)seal_close(&r.seal, bytes, (size_t)n);
			sent = send(r.fd, bytes + (way->sealed ? 0 : SEAL_SIZE), (size_t)n,
				    MSG_NOSIGNAL);
			if (sent != n)
				break;
		}
		for (host_event(&r.h, &e); e.kind == ENGINE_MESSAGE_CAME; host_event(&r.h, &e)) {
			assert_int_equal(e.bytes, f.size);
			free(e.data);
			came++;
		}
		assert_int_equal(e.kind, ENGINE_LOST);
		assert_non_null(strstr(e.why, "faster than"));
		assert_true(came > most / 2 && came <= most);
		raw_end(&r);
	}
}

static void test_hang_up(void **state)
{
	struct raw r;

	(void)state;
	raw_begin(&r, true, 0);
	close(r.fd);
	r.fd = -1;
	expect_lost(&r.h, "hung up");
	raw_end(&r);

	/* In the middle of a frame. */
	raw_begin(&r, false, 0);
	assert_int_equal(send(r.fd, "\12\0\0", 3, 0), 3);
	close(r.fd);
	r.fd = -1;
	expect_lost(&r.h, "hung up");
	raw_end(&r);
}

/* A peer that is there and says nothing. */
static void test_silence(void **state)
{
	int64_t start = tnd_monotonic();
	struct raw r;

	(void)state;
	raw_begin(&r, true, SECOND / 2);
	expect_lost(&r.h, "nothing was heard");
	assert_true(tnd_monotonic() - start > SECOND / 2);
	assert_true(tnd_monotonic() - start < 5 * SECOND);
	raw_end(&r);
}

/* A follower's host that reads nothing any more, while the leader publishes. */
static void test_stuck_peer(void **state)
{
	struct ring_options o = {.reserve_timeout_ns = 10 * SECOND};
	struct raw r;
	struct ring_tx tx;

	(void)state;
	raw_begin(&r, true, SECOND / 2);
	host_enter(&r.h);
	host_tx(&r.h, 0, &tx, &o);
	put(&tx, HOST_RING / 2);
	ring_flush(&tx);
	expect_lost(&r.h, "nothing was heard");
	raw_end(&r);
}

/* Links on which nothing is said by variants live on by their heartbeats. */
static void test_heartbeat(void **state)
{
	struct engine_event e;
	struct host a, b;

	(void)state;
	host_begin(&a, true, way, HOST_RING, 1, soon());
	host_begin(&b, false, way, HOST_RING, 1, soon());
	host_link(&a, 0, &b, way);
	usleep((useconds_t)(3 * soon() / 1000));
	engine_next(a.engine, &e);
	assert_int_equal(e.kind, ENGINE_NOTHING);
	engine_next(b.engine, &e);
	assert_int_equal(e.kind, ENGINE_NOTHING);
	host_end(&a);
	host_end(&b);
}

/* The other followers' links are unharmed by one that is lost. */
static void test_others_unharmed(void **state)
{
	struct host a, b;
	struct ring_tx tx;
	struct ring_rx rx;
	int fd[2];

	(void)state;
	host_begin(&a, true, way, HOST_RING, 2, 0);
	host_begin(&b, false, way, HOST_RING, 1, 0);
	host_sockets(way, fd);
	host_link_raw(&a, 0, fd[0], NULL);
	host_link(&a, 1, &b, way);
	host_enter(&a);
	host_tx(&a, 0, &tx, &defaults);
	host_rx(&b, 0, &rx, &defaults);
	assert_int_equal(send(fd[1], "no frame is like this one", 25, 0), 25);
	expect_lost(&a, over("rdma") ? "it sent something where RDMA has taken over" : "garbage");
	for (unsigned i = 0; i < 20; i++)
		pass(&a, &tx, &b, &rx, 100);
	close(fd[1]);
	host_end(&a);
	host_end(&b);
}

static int refuse(struct carrier *c, struct carrier_stream *s)
{
	(void)c;
	(void)s;
	return -ENOMEM;
}

/* From now on nothing of the link's is registered any more, as beyond a limit on locked memory. */
static void refuse_streams(struct host *h, unsigned place, struct carrier_ops *ops)
{
	struct carrier *c = h->engine->link[place]->carrier;

	*ops = *c->ops;
	ops->open = refuse;
	__atomic_store_n(&c->ops, ops, __ATOMIC_RELEASE);
}

/* A stream that can't be opened for one link is that link's end, and the others' no concern. */
static void test_refused_stream(void **state)
{
	struct host a, b, c;
	struct carrier_ops ops[2];
	struct ring_tx tx[2];
	struct ring_rx rx[2];
	struct engine_event e;

	(void)state;
	host_begin(&a, true, way, HOST_RING, 2, 0);
	host_begin(&b, false, way, HOST_RING, 1, 0);
	host_begin(&c, false, way, HOST_RING, 1, 0);
	host_link(&a, 0, &b, way);
	host_link(&a, 1, &c, way);
	host_enter(&a);
	host_tx(&a, 0, &tx[0], &defaults);
	host_rx(&c, 0, &rx[0], &defaults);
	pass(&a, &tx[0], &c, &rx[0], 100); /* the stream is open for both */
	refuse_streams(&a, 0, &ops[0]);
	atomic_store(&a.header->next_stream, 1);
	host_tx(&a, 1, &tx[1], &defaults);
	host_rx(&c, 1, &rx[1], &defaults);
	expect_lost(&a, "stream 1 can't be opened for it here: Cannot allocate memory");
	host_event(&b, &e);
	assert_int_equal(e.kind, ENGINE_LOST);
	for (unsigned i = 0; i < 20; i++)
		pass(&a, &tx[i % 2], &c, &rx[i % 2], 100);
	/* On a follower's host it is the one link. */
	refuse_streams(&c, 0, &ops[1]);
	atomic_store(&a.header->next_stream, 2);
	ring_kick(&tx[0]);
	expect_lost(&c, "stream 2 can't be opened for it here: Cannot allocate memory");
	host_end(&a);
	host_end(&b);
	host_end(&c);
}

/* A hijacked leader's, and a hijacked follower's, word about themselves. */
static void test_garbage_at_home(void **state)
{
	struct pair p;
	struct ring_tx tx;
	struct ring_rx rx;

	(void)state;
	pair_lead(&p, &tx);
	host_rx(&p.b, 0, &rx, &defaults);
	pass(&p.a, &tx, &p.b, &rx, 100); /* the stream is open */
	atomic_store(&tx.page->head, HOST_RING * 3);
	expect_lost(&p.a, "what can't be");
	pair_end(&p);

	pair_begin(&p, HOST_RING);
	host_rx(&p.b, 0, &rx, &defaults);
	atomic_store(&rx.page->tail, 1);
	expect_lost(&p.b, "what can't be");
	pair_end(&p);
}

/*
 * What frames and boxes say wrong, only the carrier that has them can be told: of rdma, whose peer
 * says words to a device, tests/vm/test_rdma.c does it. A peer that never begins is silent over
 * tcp; over rdma it has no connection, which is another reason. Over shm there is no peer to fail.
 */
static const char frames[] = "tcp", links[] = "tcp rdma";

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_wrong_frames, frames),   TEST(test_too_much, frames),
		TEST(test_replay, frames),         TEST(test_forged, frames),
		TEST(test_pieces, frames),         TEST(test_flood, frames),
		TEST(test_silence, frames),        TEST(test_stuck_peer, frames),
		TEST(test_hang_up, links),         TEST(test_heartbeat, links),
		TEST(test_others_unharmed, links), TEST(test_garbage_at_home, links),
		TEST(test_refused_stream, links),
	};

	return run_all_ways(tests, sizeof(tests) / sizeof(*tests), argc > 1 ? argv[1] : NULL);
}
