/* SPDX-License-Identifier: MIT */
/* Streams and messages between hosts, over each carrier. */
#include "engine_test.h"

#include <errno.h>
#include <sys/mman.h>

/* A follower's process that reads records of a length that changes with the position. */
struct reader {
	struct host *host;
	uint32_t stream;
	uint64_t until;
	uint32_t (*length)(uint64_t position);
	pthread_t thread;
};

static void *read_on(void *argument)
{
	struct reader *r = argument;
	struct ring_rx rx;

	host_enter(r->host);
	host_rx(r->host, r->stream, &rx, &defaults);
	while (rx.tail < r->until)
		get(&rx, r->length(rx.tail));
	return NULL;
}

static void start(struct reader *r)
{
	assert_int_equal(pthread_create(&r->thread, NULL, read_on, r), 0);
}

static uint32_t short_ones(uint64_t position)
{
	return 1 + (uint32_t)(position * 0x9e3779b9u >> 8) % 200;
}

static uint32_t mixed(uint64_t position)
{
	uint32_t r = (uint32_t)(position * 0x9e3779b97f4a7c15ull >> 32);

	return r % 16 ? 1 + r / 16 % 300 : 1 + r / 16 % (HOST_RING / 4);
}

static void in_lockstep(struct ring_tx *tx)
{
	assert_int_equal(ring_wait_checked(tx, tx->head, 20 * SECOND), 0);
}

/* Every record in lockstep. */
static void test_lockstep(void **state)
{
	struct pair p;
	struct reader reader = {.host = &p.b, .until = 100000, .length = short_ones};
	struct ring_tx tx;

	(void)state;
	pair_lead(&p, &tx);
	start(&reader);
	while (tx.head < reader.until) {
		put(&tx, short_ones(tx.head));
		in_lockstep(&tx);
	}
	pthread_join(reader.thread, NULL);
	pair_end(&p);
}

/* As much as goes, large and small, with a ring that is full most of the time. */
static void test_flow(void **state)
{
	struct pair p;
	struct reader reader = {.host = &p.b, .until = 8000000, .length = mixed};
	struct ring_tx tx;

	(void)state;
	pair_lead(&p, &tx);
	start(&reader);
	while (tx.head < reader.until) {
		put(&tx, mixed(tx.head));
		ring_flush(&tx);
	}
	in_lockstep(&tx);
	pthread_join(reader.thread, NULL);
	pair_end(&p);
}

/* Sizes around those of lines, frames, packets, inline sends and rings, at every place of the
 * smallest ring and a large. */
static void test_boundaries(void **state)
{
	static const uint32_t sizes[] = {1,    2,     23,    24,    25,    63,    64,   65,   127,
					 128,  219,   220,   221,   1023,  1024,  1025, 2047, 2048,
					 2049, 4071,  4072,  4073,  4095,  4096,  4097, 8191, 8192,
					 9000, 65535, 65536, 65537, 70000, 131072};
	static const uint64_t rings[] = {RING_SIZE_MIN, 131072};

	(void)state;
	for (unsigned r = 0; r < 2; r++) {
		struct pair p;
		struct ring_tx tx;
		struct ring_rx rx;

		pair_begin(&p, rings[r]);
		host_enter(&p.a);
		host_tx(&p.a, 0, &tx, &defaults);
		host_rx(&p.b, 0, &rx, &defaults);
		for (unsigned turn = 0; turn < 3; turn++) {
			for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
				if (sizes[i] <= rings[r])
					pass(&p.a, &tx, &p.b, &rx, sizes[i]);
			}
		}
		in_lockstep(&tx);
		pair_end(&p);
	}
}

/* The follower stands still: the leader gets one ring full, no more, and goes on afterwards. */
static void test_back_pressure(void **state)
{
	const struct ring_options impatient = {.reserve_timeout_ns = SECOND / 5};
	struct pair p;
	struct ring_tx tx;
	struct ring_rx rx;
	int err = 0;

	(void)state;
	pair_begin(&p, RING_SIZE_MIN);
	host_enter(&p.a);
	host_tx(&p.a, 0, &tx, &impatient);
	host_rx(&p.b, 0, &rx, &defaults);
	put(&tx, RING_SIZE_MIN);
	ring_flush(&tx);
	assert_null(ring_reserve(&tx, 1, &err));
	assert_int_equal(err, -ETIMEDOUT);
	for (unsigned i = 0; i < 20; i++) {
		host_enter(&p.b);
		get(&rx, RING_SIZE_MIN / 2);
		host_enter(&p.a);
		put(&tx, RING_SIZE_MIN / 2);
		ring_flush(&tx);
	}
	pair_end(&p);
}

#define PROCESSES 200u

/* Streams begin while others run, and their memory is left alone once they are closed. */
static void test_many_streams(void **state)
{
	struct ring_rx rx[PROCESSES];
	struct ring_tx tx[PROCESSES];
	struct pair p;

	(void)state;
	pair_begin(&p, HOST_RING);
	for (uint32_t s = 0; s < PROCESSES; s++) {
		host_enter(&p.a);
		atomic_store(&p.a.header->next_stream, s);
		host_tx(&p.a, s, &tx[s], &defaults);
		for (uint32_t other = 0; other <= s; other += 1 + s / 4) {
			put(&tx[other], 100 + other);
			ring_flush(&tx[other]);
		}
	}
	host_enter(&p.b);
	for (uint32_t s = 0; s < PROCESSES; s++) {
		host_rx(&p.b, s, &rx[s], &defaults);
		for (uint32_t n = 0; n < tx[s].head; n += 100 + s)
			get(&rx[s], 100 + s);
	}
	assert_int_equal(atomic_load(&p.b.header->next_stream), PROCESSES - 1);
	for (uint32_t s = 0; s < PROCESSES; s++) {
		host_enter(&p.a);
		in_lockstep(&tx[s]);
		host_close_stream(&p.a, s);
		host_close_stream(&p.b, s);
		memset(tx[s].page, 0, RING_PAGE); /* as its memory goes back to the system */
		memset(rx[s].page, 0, RING_PAGE);
	}
	atomic_store(&p.a.header->next_stream, PROCESSES);
	host_tx(&p.a, PROCESSES, &tx[0], &defaults);
	host_rx(&p.b, PROCESSES, &rx[0], &defaults);
	pass(&p.a, &tx[0], &p.b, &rx[0], 10);
	pair_end(&p);
}

/* What the supervisor is told of a follower on another host. */
static void expect_behind(struct host *h, unsigned i, uint64_t bytes)
{
	struct engine_stats s;

	if (!h->engine)
		return;
	assert_int_equal(engine_stats(h->engine, i, &s), 0);
	assert_int_equal(s.behind, bytes);
}

/* One follower stands still; the other is acknowledged as if it were alone. */
static void test_slow_follower(void **state)
{
	struct host a, fast, slow;
	struct ring_tx tx;
	struct ring_rx rx;

	(void)state;
	host_begin(&a, true, way, HOST_RING, 2, 0);
	host_begin(&fast, false, way, HOST_RING, 1, 0);
	host_begin(&slow, false, way, HOST_RING, 1, 0);
	host_link(&a, 0, &slow, way);
	host_link(&a, 1, &fast, way);
	host_enter(&a);
	host_tx(&a, 0, &tx, &defaults);
	host_rx(&fast, 0, &rx, &defaults);
	for (unsigned i = 0; i < 100; i++) {
		host_enter(&a);
		put(&tx, 300);
		assert_int_equal(ring_wait_checked(&tx, tx.head, 0), -ETIMEDOUT);
		host_enter(&fast);
		get(&rx, 300);
	}
	while (atomic_load(&tx.consumer[1]->tail) != tx.head)
		usleep(1000);
	assert_int_equal(ring_slowest(&tx), 0);
	expect_behind(&a, 0, tx.head);
	expect_behind(&a, 1, 0);
	host_end(&a);
	host_end(&fast);
	host_end(&slow);
}

static void message(struct host *h, const void *bytes, size_t n)
{
	assert_int_equal(engine_send(h->engine, 0, bytes, n), 0);
}

static void expect_message(struct host *h, const void *bytes, size_t n)
{
	struct engine_event e;

	host_event(h, &e);
	assert_int_equal(e.kind, ENGINE_MESSAGE_CAME);
	assert_int_equal(e.bytes, n);
	assert_memory_equal(e.data, bytes, n);
	free(e.data);
}

/* Around the parts that messages are sent in. */
static size_t length_of(unsigned i)
{
	static const size_t length[] = {ENGINE_MESSAGE, 24, 4071, 4072, 4073, 8144, 8145, 65535};

	return i % 5 ? 1 + i : length[i / 5 % (sizeof(length) / sizeof(*length))];
}

/* A message comes behind what was published before, an answer behind what was released. */
static void test_messages(void **state)
{
	static uint8_t large[ENGINE_MESSAGE];
	struct ring_consumer *ack;
	struct pair p;
	struct ring_tx tx;
	struct ring_rx rx;

	(void)state;
	pair_begin(&p, HOST_RING);
	ack = host_consumer(&p.a, 0, 0);
	host_enter(&p.a);
	host_tx(&p.a, 0, &tx, &defaults);
	host_rx(&p.b, 0, &rx, &defaults);
	for (unsigned i = 0; i < 50; i++) {
		host_enter(&p.a);
		put(&tx, 1 + i * 100);
		ring_flush(&tx);
		memset(large, (int)i, sizeof(large));
		message(&p.a, large, length_of(i));
		expect_message(&p.b, large, length_of(i));
		assert_int_equal(atomic_load(&rx.producer->head), tx.head);
		host_enter(&p.b);
		get(&rx, 1 + i * 100);
		message(&p.b, "done", 4);
		expect_message(&p.a, "done", 4);
		assert_int_equal(atomic_load(&ack->tail), rx.tail);
	}
	for (unsigned i = 0; i < 300; i++)
		message(&p.a, &i, sizeof(i));
	for (unsigned i = 0; i < 300; i++)
		expect_message(&p.b, &i, sizeof(i));
	assert_int_equal(engine_send(p.a.engine, 0, large, 0), -EMSGSIZE);
	assert_int_equal(engine_send(p.a.engine, 0, large, ENGINE_MESSAGE + 1), -EMSGSIZE);
	assert_int_equal(engine_send(p.a.engine, 3, large, 1), -ENOTCONN);
	pair_end(&p);
}

/* What was said before the end is heard, and the end is known for one. */
static void test_goodbye(void **state)
{
	struct engine_event e;
	struct pair p;
	struct ring_tx tx;

	(void)state;
	pair_lead(&p, &tx);
	put(&tx, 5000);
	ring_flush(&tx);
	message(&p.a, "the last", 8);
	engine_stop(p.a.engine, 5 * SECOND);
	p.a.engine = NULL;
	expect_message(&p.b, "the last", 8);
	host_event(&p.b, &e);
	assert_int_equal(e.kind, ENGINE_LEFT);
	assert_int_equal(atomic_load(&host_producer(&p.b, 0)->head), 5000);
	assert_int_equal(engine_send(p.b.engine, 0, "x", 1), -ENOTCONN);
	pair_end(&p);
}

static void *halt_soon(void *argument)
{
	struct host *h = argument;
	struct ack_header *header =
		mmap(NULL, RING_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, h->ack[0], 0);

	usleep(50000);
	host_enter(h);
	atomic_store(&header->halt, 1);
	tnd_bell();
	return NULL;
}

/* The follower finds a divergence while the leader waits for it. */
static void test_halt(void **state)
{
	struct ring_options o = {0};
	struct engine_event e;
	struct ack_header *header;
	pthread_t thread;
	struct pair p;
	struct ring_tx tx;
	int64_t start;

	(void)state;
	pair_begin(&p, HOST_RING);
	header = mmap(NULL, RING_PAGE, PROT_READ, MAP_SHARED, p.a.ack[0], 0);
	o.halt[0] = &header->halt;
	host_enter(&p.a);
	host_tx(&p.a, 0, &tx, &o);
	put(&tx, 10);
	assert_int_equal(pthread_create(&thread, NULL, halt_soon, &p.b), 0);
	start = tnd_monotonic();
	assert_int_equal(ring_wait_checked(&tx, 10, 20 * SECOND), -ECANCELED);
	assert_true(tnd_monotonic() - start < 5 * SECOND);
	if (p.a.engine) {
		host_event(&p.a, &e);
		assert_int_equal(e.kind, ENGINE_HALTED);
	}
	pthread_join(thread, NULL);
	pair_end(&p);
}

/* With nothing to do, an engine takes next to no processor time; heartbeats go all the same. */
static void test_idle(void **state)
{
	struct engine_stats before, after;
	struct pair p;
	struct ring_tx tx;
	struct ring_rx rx;

	(void)state;
	pair_lead(&p, &tx);
	host_rx(&p.b, 0, &rx, &defaults);
	pass(&p.a, &tx, &p.b, &rx, 10);
	usleep(300000);
	assert_int_equal(engine_stats(p.a.engine, 0, &before), 0);
	sleep(2);
	assert_int_equal(engine_stats(p.a.engine, 0, &after), 0);
	print_message("# %.2f %% of a processor\n",
		      (double)(after.cpu_ns - before.cpu_ns) / (2 * SECOND) * 100);
	/*
	 * Sanitizers make it a few times slower. In an emulated machine a nap costs ten times as
	 * much, and time that its own host takes away counts; one that spins takes all.
	 */
	assert_true(after.cpu_ns - before.cpu_ns < 2 * SECOND / (over("rdma") ? 3 : 50));
	while (!after.round_trip_ns) {
		usleep(10000);
		assert_int_equal(engine_stats(p.a.engine, 0, &after), 0);
	}
	pair_end(&p);
}

/* Variants on one host share memory: nothing carries messages, says goodbye or sleeps for them. */
static const char all[] = "tcp rdma shm", engines[] = "tcp rdma";

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lockstep, all),     TEST(test_flow, all),
		TEST(test_boundaries, all),   TEST(test_back_pressure, all),
		TEST(test_many_streams, all), TEST(test_slow_follower, all),
		TEST(test_halt, all),         TEST(test_messages, engines),
		TEST(test_goodbye, engines),  TEST(test_idle, engines),
	};

	return run_all_ways(tests, sizeof(tests) / sizeof(*tests), argc > 1 ? argv[1] : NULL);
}
