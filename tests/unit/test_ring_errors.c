/* SPDX-License-Identifier: MIT */

/* The ring when things go wrong: halts, wrong arguments, a peer that writes garbage. */

#include "ring_test.h"

/* ---- halt ---- */

/* A child that sets the halt word once the other side waits. */
static pid_t halter(const struct ring_memory *m, enum ring_wait mode)
{
	pid_t pid = child_start();

	if (pid)
		return pid;

	struct ring_view v = ring_memory_view(m, RING_ALL);

	wait_step(1);
	while (mode != RING_WAIT_SPIN && v.producer->wake_at == RING_AWAKE &&
	       (v.consumer[0]->wake_at == 0 || v.consumer[0]->wake_at == RING_AWAKE))
		sched_yield();
	usleep(2000);
	shared->halt = 1;
	ring_interrupt(v.producer, v.consumer, m->count);
	_exit(0);
}

static void test_halt(void **state)
{
	(void)state;
	futex_no_timeouts = true;
	for (size_t i = 0; i < 4 * MODES; i++) {
		enum ring_wait mode = modes[i / 4];
		struct ring_memory m = ring_memory_create(SIZE, 1);
		struct ring_options o = {.wait = mode, .halt[RING_HALTS - 1] = &shared->halt};
		struct ring_view v = ring_memory_view(&m, RING_ALL);
		struct ring_tx tx;
		struct ring_rx rx;
		const void *p = NULL;
		int err = 0;

		assert_int_equal(ring_tx_init(&tx, v.producer, v.data, SIZE, v.consumer, 1, &o), 0);
		assert_int_equal(ring_rx_init(&rx, v.producer, v.data, SIZE, v.consumer[0], &o), 0);
		if (i % 4 < 2)
			send_bytes(&tx, SIZE);
		shared->halt = 0;
		shared->step = 0;
		pid_t pid = halter(&m, mode);
		shared->step = 1;
		if (i % 4 == 0)
			assert_null(ring_reserve(&tx, 1, &err));
		else if (i % 4 == 1)
			err = ring_wait_checked(&tx, 1, 30000000000ll);
		else
			err = ring_peek(&rx, 1, &p, RING_FOREVER, i % 4 == 3);
		assert_int_equal(err, -ECANCELED);
		assert_int_equal(child_status(pid), 0);
		/* And it stays so. */
		assert_int_equal(ring_peek(&rx, SIZE, &p, 0, false), i % 4 < 2 ? 0 : -ECANCELED);
		ring_memory_unmap(&m, &v);
		ring_memory_close(&m);
	}
}

/* ---- garbage ---- */

static void test_init_refuses(void **state)
{
	struct ring_memory m = ring_memory_create(SIZE, 1);
	struct ring_view v = ring_memory_view(&m, RING_ALL);
	struct ring_options o = {.wait = RING_WAIT_BLOCK};
	struct ring_tx tx;
	struct ring_rx rx;

	(void)state;
#define RX ring_rx_init(&rx, v.producer, v.data, SIZE, v.consumer[0], &o)
#define TX(size, count) ring_tx_init(&tx, v.producer, v.data, size, v.consumer, count, &o)
	assert_int_equal(RX, -EAGAIN);
	assert_int_equal(TX(SIZE - 1, 1), -EINVAL);
	assert_int_equal(TX(SIZE / 2, 1), -EINVAL);
	assert_int_equal(TX(2 * RING_SIZE_MAX, 1), -EINVAL);
	assert_int_equal(TX(SIZE, RING_CONSUMERS + 1), -EINVAL);
	o.batch = SIZE / 2 + 1;
	assert_int_equal(TX(SIZE, 1), -EINVAL);
	assert_int_equal(RX, -EINVAL);
	o.batch = 0;
	v.consumer[0]->magic = 1;
	assert_int_equal(TX(SIZE, 1), -EPROTO);
	v.consumer[0]->magic = 0;
	assert_int_equal(TX(SIZE, 1), 0);
	assert_int_equal(RX, 0);

	v.producer->magic ^= 1;
	assert_int_equal(RX, -EPROTO);
	v.producer->magic ^= 1;
	v.producer->version++;
	assert_int_equal(RX, -EPROTO);
	v.producer->version--;
	v.producer->size *= 2;
	assert_int_equal(RX, -EPROTO);
	v.producer->size /= 2;
	v.producer->head = SIZE + 1;
	assert_int_equal(RX, -EPROTO);
	v.producer->head = 0;
	assert_int_equal(RX, 0);
	assert_int_equal(TX(SIZE, 0), 0); /* nobody follows */
	for (int i = 0; i < 3; i++)
		send_bytes(&tx, SIZE);
	assert_int_equal(ring_wait_checked(&tx, ring_head(&tx), 0), 0);
#undef RX
#undef TX
	ring_memory_unmap(&m, &v);
	ring_memory_close(&m);
}

static void test_garbage(void **state)
{
	/* 100 bytes were published and 50 of them released. */
	static const uint64_t heads[] = {0, 99, 50 + SIZE + 1, 1ull << 63, UINT64_MAX};
	static const uint64_t tails[] = {0, 49, 101, 1ull << 63, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < 5 * MODES; i++) {
		struct ring_memory m = ring_memory_create(SIZE, 1);
		struct ring_view v = ring_memory_view(&m, RING_ALL);
		struct ring_options o = {.wait = modes[i / 5]};
		struct ring_tx tx;
		struct ring_rx rx;
		const void *p = NULL;
		int err = 0;

		assert_int_equal(ring_tx_init(&tx, v.producer, v.data, SIZE, v.consumer, 1, &o), 0);
		assert_int_equal(ring_rx_init(&rx, v.producer, v.data, SIZE, v.consumer[0], &o), 0);
		send_bytes(&tx, 100);
		assert_int_equal(ring_peek(&rx, 100, &p, 0, false), 0);
		ring_release(&rx, 50);
		assert_int_equal(ring_wait_checked(&tx, 50, 0), 0);

		v.producer->head = heads[i % 5];
		assert_int_equal(ring_peek(&rx, 50, &p, 0, false), 0); /* known before */
		assert_int_equal(ring_peek(&rx, 51, &p, RING_FOREVER, i % 2), -EPROTO);
		assert_int_equal(ring_peek(&rx, 51, &p, 0, false), -EPROTO); /* still */

		v.consumer[0]->tail = tails[i % 5];
		assert_int_equal(ring_wait_checked(&tx, 100, RING_FOREVER), -EPROTO);
		assert_int_equal(ring_slowest(&tx), 0);
		assert_null(ring_reserve(&tx, SIZE, &err));
		assert_int_equal(err, -EPROTO);

		/* Any wake_at is answered without harm, and at most once while it doesn't change.
		 */
		unsigned long wakes = futex_wakes;
		v.consumer[0]->wake_at = 1;
		v.producer->wake_at = 1;
		for (int j = 0; j < 10; j++) {
			ring_publish(&tx, 0);
			ring_release(&rx, 0);
		}
		assert_int_equal(futex_wakes, wakes + 2);
		ring_memory_unmap(&m, &v);
		ring_memory_close(&m);
	}
}

/* A producer that turns bad while the consumer sleeps. */
static void test_garbage_while_asleep(void **state)
{
	struct ring_memory m = ring_memory_create(SIZE, 1);
	struct ring_options o = {.wait = RING_WAIT_BLOCK};
	struct ring_view v;

	(void)state;
	tx_open(&m, &v, &o);
	pid_t pid = child_start();
	if (!pid) {
		struct ring_view mine;
		struct ring_rx rx = rx_open(&m, &mine, 0, &o);
		const void *p = NULL;

		futex_no_timeouts = true;
		REQUIRE(ring_peek(&rx, 1, &p, RING_FOREVER, false) == -EPROTO, 30);
		_exit(0);
	}
	until_asleep(&v);
	v.producer->head = SIZE + 1;
	ring_interrupt(v.producer, NULL, 0);
	assert_int_equal(child_status(pid), 0);
	ring_memory_unmap(&m, &v);
	ring_memory_close(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_halt),
		TEST(test_init_refuses),
		TEST(test_garbage),
		TEST(test_garbage_while_asleep),
	};

	return cmocka_run_group_tests_name("ring_errors", tests, NULL, NULL);
}
