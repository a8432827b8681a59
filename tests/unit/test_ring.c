/* SPDX-License-Identifier: MIT */

/*
 * The ring between real processes, each with the mappings it has in earnest: its own page (and
 * the producer's data) writable, everything else read-only.
 */

#include <pthread.h>

#include "ring_test.h"

/* ---- rights ---- */

static void test_rights(void **state)
{
	struct ring_memory m = ring_memory_create(SIZE, 2);

	(void)state;
	for (int who = -1; who < 2; who++) {
		struct ring_view v = ring_memory_view(&m, who);
		struct {
			volatile uint8_t *p;
			bool writable;
		} target[] = {
			{(uint8_t *)v.producer, who == -1},   {v.data, who == -1},
			{v.data + SIZE, who == -1},           {v.data + 2 * SIZE - 1, who == -1},
			{(uint8_t *)v.consumer[0], who == 0}, {(uint8_t *)v.consumer[1], who == 1},
		};

		for (size_t i = 0; i < sizeof(target) / sizeof(target[0]); i++) {
			pid_t pid = child_start();

			if (!pid) {
				signal(SIGSEGV, SIG_DFL); /* a sanitizer's report isn't wanted */
				*target[i].p = 1;
				_exit(0);
			}
			int status = child_status(pid);
			if (target[i].writable)
				assert_int_equal(status, 0);
			else
				assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
		}
		ring_memory_unmap(&m, &v);
	}
	ring_memory_close(&m);
}

/* ---- sizes ---- */

static void test_every_boundary(void **state)
{
	static const uint32_t sizes[] = {0,
					 1,
					 7,
					 8,
					 9,
					 SIZE / 4,
					 SIZE / 2 - 8,
					 SIZE / 2 - 1,
					 SIZE / 2,
					 SIZE / 2 + 1,
					 SIZE - 8,
					 SIZE - 1,
					 SIZE};
	const size_t n = sizeof(sizes) / sizeof(sizes[0]);
	struct ring_options o = {.wait = RING_WAIT_BLOCK};

	(void)state;
	/* Come to each offset with one message, send two of each pair of sizes from there. */
	for (size_t i = 0; i < n * n * n; i++) {
		const uint32_t sequence[3] = {sizes[i % n], sizes[i / n % n], sizes[i / n / n]};
		static struct ring_memory m;
		static struct ring_view v;
		struct ring_tx tx;
		struct ring_rx rx;
		const void *p = NULL;

		if (!v.data) {
			m = ring_memory_create(SIZE, 1);
			v = ring_memory_view(&m, RING_ALL);
		}
		renew(&v, &m);
		assert_int_equal(ring_tx_init(&tx, v.producer, v.data, SIZE, v.consumer, 1, &o), 0);
		assert_int_equal(ring_rx_init(&rx, v.producer, v.data, SIZE, v.consumer[0], &o), 0);
		for (int j = 0; j < 3; j++) {
			uint64_t at = ring_head(&tx);

			send_bytes(&tx, sequence[j]);
			assert_int_equal(ring_head(&tx), at + sequence[j]);
			assert_int_equal(ring_peek(&rx, sequence[j], &p, 0, false), 0);
			assert_ptr_equal(p, v.data + at % SIZE);
			assert_true(matches(p, at, sequence[j]));
			assert_int_equal(ring_peek(&rx, sequence[j] + 1, &p, 0, false),
					 sequence[j] == SIZE ? -EMSGSIZE : -ETIMEDOUT);
			ring_release(&rx, sequence[j]);
			assert_int_equal(ring_tail(&rx), at + sequence[j]);
		}
		int err = 0;
		assert_null(ring_reserve(&tx, SIZE + 1, &err));
		assert_int_equal(err, -EMSGSIZE);
	}
}

static void test_full(void **state)
{
	struct ring_memory m = ring_memory_create(SIZE, 1);
	struct ring_view v = ring_memory_view(&m, RING_ALL);
	const void *p = NULL;
	int err;

	(void)state;
	for (size_t mode = 0; mode < MODES; mode++) {
		struct ring_options o = {.wait = modes[mode], .reserve_timeout_ns = 2000000};
		struct ring_tx tx;
		struct ring_rx rx;

		renew(&v, &m);
		assert_int_equal(ring_tx_init(&tx, v.producer, v.data, SIZE, v.consumer, 1, &o), 0);
		assert_int_equal(ring_rx_init(&rx, v.producer, v.data, SIZE, v.consumer[0], &o), 0);
		for (unsigned i = 0; i < 8; i++)
			send_bytes(&tx, SIZE / 8);
		err = 0;
		assert_null(ring_reserve(&tx, 1, &err));
		assert_int_equal(err, -ETIMEDOUT);
		assert_int_equal(v.producer->wake_at, RING_AWAKE);
		assert_int_equal(ring_peek(&rx, SIZE, &p, 0, false), 0);
		assert_true(matches(p, 0, SIZE));
		ring_release(&rx, 1);
		assert_null(ring_reserve(&tx, 2, &err));
		send_bytes(&tx, 1);
		assert_null(ring_reserve(&tx, 1, &err));
	}
	ring_memory_unmap(&m, &v);
	ring_memory_close(&m);
}

/* ---- streams between processes ---- */

struct stream {
	enum ring_wait mode;
	bool urgent;
	unsigned consumers;
	uint64_t size;
	unsigned records;
	unsigned lockstep; /* one in so many records; 0: none */
	bool slow;         /* the last consumer dawdles */
};

/* The length of record i, known to both sides; of every kind, mostly short. */
static uint32_t length(uint64_t size, uint64_t i)
{
	uint64_t h = i * 0xd6e8feb86659fd93ull;

	h ^= h >> 32;
	if (h % 64 == 0)
		return (uint32_t)(size / 2);
	if (h % 16 == 0)
		return (uint32_t)(h / 64 % (size / 2));
	return (uint32_t)(h / 64 % 100);
}

static void consume(const struct ring_memory *m, const struct stream *s, unsigned me)
{
	struct ring_options o = {.wait = s->mode};
	struct ring_view v;
	struct ring_rx rx = rx_open(m, &v, me, &o);

	for (uint64_t i = 0; i < s->records; i++) {
		uint32_t n = length(s->size, i);
		const void *p = NULL;

		REQUIRE(ring_peek(&rx, n, &p, RING_FOREVER, s->urgent) == 0, 10);
		if (s->slow && me == s->consumers - 1 && i % 64 == 0)
			usleep(300);
		REQUIRE(matches(p, ring_tail(&rx), n), 11);
		ring_release(&rx, n);
	}
	_exit(0);
}

static void run_stream(const struct stream *s)
{
	struct ring_memory m = ring_memory_create(s->size, s->consumers);
	struct ring_options o = {.wait = s->mode};
	struct ring_view v;
	struct ring_tx tx = tx_open(&m, &v, &o);
	pid_t pid[RING_CONSUMERS];

	for (unsigned i = 0; i < s->consumers; i++) {
		pid[i] = child_start();
		if (!pid[i])
			consume(&m, s, i);
	}
	for (uint64_t i = 0; i < s->records; i++) {
		send_bytes(&tx, length(s->size, i));
		if (s->lockstep && i % s->lockstep == 0) {
			assert_int_equal(ring_wait_checked(&tx, ring_head(&tx), RING_FOREVER), 0);
			for (unsigned j = 0; j < s->consumers; j++)
				assert_int_equal(v.consumer[j]->tail, ring_head(&tx));
		}
	}
	assert_int_equal(ring_wait_checked(&tx, ring_head(&tx), RING_FOREVER), 0);
	for (unsigned i = 0; i < s->consumers; i++)
		assert_int_equal(child_status(pid[i]), 0);
	ring_memory_unmap(&m, &v);
	ring_memory_close(&m);
}

/* With timeouts off, so that a lost wake-up hangs: the last wait above wakes exactly. */
static void test_stream_one(void **state)
{
	(void)state;
	futex_no_timeouts = true;
	for (size_t mode = 0; mode < MODES; mode++) {
		for (int urgent = 0; urgent < 2; urgent++) {
			struct stream s = {.mode = modes[mode],
					   .urgent = urgent,
					   .consumers = 1,
					   .size = SIZE,
					   .records = 20000};

			run_stream(&s);
			s.lockstep = 5;
			s.records = 3000;
			run_stream(&s);
		}
	}
}

static void test_stream_several(void **state)
{
	(void)state;
	futex_no_timeouts = true;
	for (size_t mode = 0; mode < MODES; mode++) {
		/* Spinners without a core of their own: a time slice a turn, so fewer of them. */
		bool spin = modes[mode] == RING_WAIT_SPIN;
		struct stream s = {.mode = modes[mode],
				   .consumers = spin ? 2 : 3,
				   .size = 65536,
				   .records = spin ? 200 : 10000,
				   .slow = true};

		run_stream(&s);
		s.lockstep = 50;
		s.urgent = true;
		run_stream(&s);
	}
}

static void test_stream_eight(void **state)
{
	struct stream s = {.mode = RING_WAIT_BLOCK,
			   .consumers = RING_CONSUMERS,
			   .size = SIZE,
			   .records = 2000,
			   .lockstep = 100};

	(void)state;
	futex_no_timeouts = true;
	run_stream(&s);
}

/* ---- sleeping and waking ---- */

/* A child that sleeps in ring_peek for one record of 8 bytes, `rounds` times. */
static pid_t sleeper(const struct ring_memory *m, enum ring_wait mode, bool urgent, int rounds,
		     bool timeouts)
{
	pid_t pid = child_start();

	if (pid)
		return pid;

	struct ring_options o = {.wait = mode, .halt = {NULL, &shared->halt}};
	struct ring_view v;
	struct ring_rx rx = rx_open(m, &v, 0, &o);

	futex_no_timeouts = !timeouts;
	for (int i = 0; i < rounds; i++) {
		const void *p = NULL;

		shared->step = 2 * i + 1;
		REQUIRE(ring_peek(&rx, 8, &p, RING_FOREVER, urgent) == 0, 20);
		REQUIRE(matches(p, ring_tail(&rx), 8), 21);
		ring_release(&rx, 8);
		shared->step = 2 * i + 2;
	}
	_exit(0);
}

static void test_wake_each_record(void **state)
{
	static const struct {
		enum ring_wait mode;
		bool urgent;
	} waker[] = {{RING_WAIT_BLOCK, false}, {RING_WAIT_BLOCK, true}, {RING_WAIT_ADAPTIVE, true}};

	(void)state;
	for (size_t i = 0; i < sizeof(waker) / sizeof(waker[0]); i++) {
		struct ring_memory m = ring_memory_create(SIZE, 1);
		struct ring_options o = {.wait = waker[i].mode};
		struct ring_view v;
		struct ring_tx tx = tx_open(&m, &v, &o);

		shared->step = 0;
		pid_t pid = sleeper(&m, waker[i].mode, waker[i].urgent, 50, false);
		for (int r = 0; r < 50; r++) {
			until_asleep(&v);
			assert_int_equal(v.consumer[0]->wake_at, 8 * (r + 1));
			usleep(r % 3 * 50); /* before, or while, it is in the kernel */
			send_bytes(&tx, 8);
			wait_step(2 * r + 2);
		}
		assert_int_equal(child_status(pid), 0);
		ring_memory_unmap(&m, &v);
		ring_memory_close(&m);
	}
}

/* Adaptive and in no hurry: woken when a batch has gathered, by a kick, by nothing else. */
static void test_wake_batch(void **state)
{
	struct ring_memory m = ring_memory_create(SIZE, 1);
	struct ring_options o = {.wait = RING_WAIT_ADAPTIVE};
	struct ring_view v;
	struct ring_tx tx = tx_open(&m, &v, &o);
	unsigned long wakes;

	(void)state;
	shared->step = 0;
	pid_t pid = sleeper(&m, RING_WAIT_ADAPTIVE, false, 3 + SIZE / 4 / 8, false);
	until_asleep(&v);
	assert_int_equal(v.consumer[0]->wake_at, SIZE / 4);
	wakes = futex_wakes;
	ring_kick(&tx); /* nothing unread: nobody is woken */
	assert_int_equal(futex_wakes, wakes);
	send_bytes(&tx, 8);
	assert_int_equal(futex_wakes, wakes);
	usleep(1000);
	assert_int_equal(shared->step, 1);
	ring_kick(&tx);
	wait_step(2);

	until_asleep(&v);
	assert_int_equal(v.consumer[0]->wake_at, 8 + SIZE / 4);
	send_bytes(&tx, 8);
	send_bytes(&tx, 8);
	assert_int_equal(ring_wait_checked(&tx, ring_head(&tx), RING_FOREVER), 0);
	wait_step(6);

	until_asleep(&v);
	wakes = futex_wakes;
	for (unsigned i = 0; i < SIZE / 4 / 8; i++) {
		assert_int_equal(futex_wakes, wakes);
		send_bytes(&tx, 8);
	}
	assert_int_equal(futex_wakes, wakes + 1);
	assert_int_equal(child_status(pid), 0);
	ring_memory_unmap(&m, &v);
	ring_memory_close(&m);
}

/* Without a wake-up, a sleeper looks by itself. */
static void test_nap_ends(void **state)
{
	struct ring_memory m = ring_memory_create(SIZE, 1);
	struct ring_options o = {.wait = RING_WAIT_ADAPTIVE};
	struct ring_view v;
	struct ring_tx tx = tx_open(&m, &v, &o);
	unsigned long wakes = futex_wakes;

	(void)state;
	shared->step = 0;
	pid_t pid = sleeper(&m, RING_WAIT_ADAPTIVE, false, 1, true);
	until_asleep(&v);
	send_bytes(&tx, 8);
	assert_int_equal(child_status(pid), 0);
	assert_int_equal(futex_wakes, wakes);
	ring_memory_unmap(&m, &v);
	ring_memory_close(&m);
}

/* However long it takes a sleeper to get a core, its sleep costs one system call. */
static void test_wake_once(void **state)
{
	struct ring_memory m = ring_memory_create(SIZE, 1);
	struct ring_options o = {.wait = RING_WAIT_BLOCK};
	struct ring_view v;
	struct ring_tx tx = tx_open(&m, &v, &o);
	unsigned long wakes = futex_wakes;
	int status;

	(void)state;
	shared->step = 0;
	pid_t pid = sleeper(&m, RING_WAIT_BLOCK, false, 100, false);
	until_asleep(&v);
	kill(pid, SIGSTOP);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	for (int i = 0; i < 100; i++)
		send_bytes(&tx, 8);
	assert_int_equal(futex_wakes, wakes + 1);
	kill(pid, SIGCONT);
	assert_int_equal(child_status(pid), 0);
	ring_memory_unmap(&m, &v);
	ring_memory_close(&m);
}

/* ---- lockstep ---- */

static void test_lockstep(void **state)
{
	(void)state;
	for (size_t mode = 0; mode < MODES; mode++) {
		struct ring_memory m = ring_memory_create(SIZE, 2);
		struct ring_options o = {.wait = modes[mode]};
		struct ring_view v = ring_memory_view(&m, RING_ALL);
		struct ring_tx tx;
		struct ring_rx rx[2];
		const void *p = NULL;

		assert_int_equal(ring_tx_init(&tx, v.producer, v.data, SIZE, v.consumer, 2, &o), 0);
		for (int i = 0; i < 2; i++)
			assert_int_equal(
				ring_rx_init(&rx[i], v.producer, v.data, SIZE, v.consumer[i], &o),
				0);
		assert_int_equal(ring_wait_checked(&tx, 0, 0), 0);
		send_bytes(&tx, 24);
		assert_int_equal(ring_wait_checked(&tx, 25, RING_FOREVER), -EINVAL);
		assert_int_equal(ring_wait_checked(&tx, 24, 0), -ETIMEDOUT);
		assert_int_equal(ring_peek(&rx[0], 24, &p, 0, true), 0);
		ring_release(&rx[0], 24);

		int64_t start = tnd_monotonic();
		assert_int_equal(ring_wait_checked(&tx, 24, 3000000), -ETIMEDOUT);
		assert_true(tnd_monotonic() - start >= 3000000);
		assert_int_equal(ring_slowest(&tx), 1);
		assert_int_equal(v.producer->wake_at, RING_AWAKE);

		assert_int_equal(ring_peek(&rx[1], 24, &p, 0, true), 0);
		ring_release(&rx[1], 16);
		assert_int_equal(ring_wait_checked(&tx, 16, 0), 0);
		assert_int_equal(ring_wait_checked(&tx, 17, 0), -ETIMEDOUT);
		ring_release(&rx[1], 8);
		assert_int_equal(ring_wait_checked(&tx, 24, 0), 0);
		assert_int_equal(ring_peek(&rx[1], 1, &p, 1000000, true), -ETIMEDOUT);
		ring_memory_unmap(&m, &v);
		ring_memory_close(&m);
	}
}

static void test_drop(void **state)
{
	struct ring_memory m = ring_memory_create(SIZE, 3);
	struct ring_options o = {.wait = RING_WAIT_BLOCK, .reserve_timeout_ns = 1000000};
	struct ring_view v = ring_memory_view(&m, RING_ALL);
	struct ring_tx tx;
	struct ring_rx rx;
	const void *p = NULL;
	int err = 0;

	(void)state;
	assert_int_equal(ring_tx_init(&tx, v.producer, v.data, SIZE, v.consumer, 3, &o), 0);
	send_bytes(&tx, SIZE);
	/* A consumer that comes late finds everything from the start. */
	assert_int_equal(ring_rx_init(&rx, v.producer, v.data, SIZE, v.consumer[2], &o), 0);
	assert_int_equal(ring_peek(&rx, SIZE, &p, 0, false), 0);
	assert_true(matches(p, 0, SIZE));
	ring_release(&rx, SIZE);
	assert_null(ring_reserve(&tx, 8, &err));
	assert_int_equal(err, -ETIMEDOUT);
	assert_int_equal(ring_slowest(&tx), 0);
	ring_tx_drop(&tx, 0);
	assert_int_equal(ring_slowest(&tx), 1);
	assert_null(ring_reserve(&tx, 8, &err));
	ring_tx_drop(&tx, 1);
	ring_tx_drop(&tx, 1); /* gone already: nothing happens */
	assert_int_equal(ring_wait_checked(&tx, SIZE, 0), 0);
	send_bytes(&tx, 8);
	assert_int_equal(ring_slowest(&tx), 2);
	ring_tx_drop(&tx, 2);
	assert_int_equal(ring_slowest(&tx), -ENOENT);
	for (int i = 0; i < 3; i++)
		send_bytes(&tx, SIZE);
	assert_int_equal(ring_wait_checked(&tx, ring_head(&tx), 0), 0);
	ring_memory_unmap(&m, &v);
	ring_memory_close(&m);
}

struct leaving {
	struct ring_memory *m;
	_Atomic uint32_t *left;
};

static void *leave(void *arg)
{
	struct leaving *l = arg;
	struct ring_view v = ring_memory_view(l->m, RING_ALL);

	nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	atomic_store(l->left, 1);
	ring_interrupt(NULL, (struct ring_consumer *const *)v.consumer, l->m->count);
	ring_memory_unmap(l->m, &v);
	return NULL;
}

/* Consumers whose word says that they have left are waited for no more, by one who sleeps either.
 */
static void test_left(void **state)
{
	struct ring_memory m = ring_memory_create(SIZE, 3);
	_Atomic uint32_t left[3] = {0};
	struct ring_options o = {.wait = RING_WAIT_BLOCK, .reserve_timeout_ns = 1000000};
	struct ring_view v = ring_memory_view(&m, RING_ALL);
	struct leaving leaving = {&m, &left[2]};
	struct ring_tx tx;
	struct ring_rx rx;
	const void *p = NULL;
	pthread_t thread;
	int err = 0;

	(void)state;
	o.left[0] = &left[0];
	o.left[2] = &left[2];
	assert_int_equal(ring_tx_init(&tx, v.producer, v.data, SIZE, v.consumer, 3, &o), 0);
	send_bytes(&tx, SIZE);
	left[0] = 1;
	assert_null(ring_reserve(&tx, 8, &err));
	assert_int_equal(err, -ETIMEDOUT);
	assert_int_equal(tx.count, 2);
	assert_int_equal(ring_rx_init(&rx, v.producer, v.data, SIZE, v.consumer[1], &o), 0);
	assert_int_equal(ring_peek(&rx, SIZE, &p, 0, false), 0);
	ring_release(&rx, SIZE);
	assert_int_equal(pthread_create(&thread, NULL, leave, &leaving), 0);
	assert_int_equal(ring_wait_checked(&tx, SIZE, RING_FOREVER), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(ring_slowest(&tx), 1);
	/* The last one is waited for as ever. */
	send_bytes(&tx, SIZE);
	assert_int_equal(ring_wait_checked(&tx, 2 * SIZE, 0), -ETIMEDOUT);
	ring_memory_unmap(&m, &v);
	ring_memory_close(&m);
}

/* Either side becomes another image, which finds its place in its own page. */
static void test_resume(void **state)
{
	struct ring_memory m = ring_memory_create(SIZE, 1);
	struct ring_options o = {.wait = RING_WAIT_BLOCK};
	struct ring_view v = ring_memory_view(&m, RING_ALL);
	struct ring_tx tx;
	struct ring_rx rx;
	const void *p = NULL;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(ring_tx_init(&tx, v.producer, v.data, SIZE, v.consumer, 1, &o), 0);
		assert_int_equal(ring_head(&tx), i * 100);
		send_bytes(&tx, 100);
		assert_int_equal(ring_rx_init(&rx, v.producer, v.data, SIZE, v.consumer[0], &o), 0);
		assert_int_equal(ring_tail(&rx), i ? i * 100 - 50 : 0);
		assert_int_equal(ring_peek(&rx, i ? 150 : 100, &p, 0, false), 0);
		assert_true(matches(p, ring_tail(&rx), i ? 150 : 100));
		ring_release(&rx, i ? 100 : 50);
	}
	/* A sleep that the old image didn't come back from is over. */
	v.producer->wake_at = v.consumer[0]->wake_at = 1;
	assert_int_equal(ring_tx_init(&tx, v.producer, v.data, SIZE, v.consumer, 1, &o), 0);
	assert_int_equal(ring_rx_init(&rx, v.producer, v.data, SIZE, v.consumer[0], &o), 0);
	assert_int_equal(v.producer->wake_at, RING_AWAKE);
	assert_int_equal(v.consumer[0]->wake_at, RING_AWAKE);
	/* Pages that contradict each other. */
	v.consumer[0]->tail = 10001;
	assert_int_equal(ring_tx_init(&tx, v.producer, v.data, SIZE, v.consumer, 1, &o), -EPROTO);
	assert_int_equal(ring_rx_init(&rx, v.producer, v.data, SIZE, v.consumer[0], &o), -EPROTO);
	v.consumer[0]->tail = 10000 - SIZE - 1;
	assert_int_equal(ring_tx_init(&tx, v.producer, v.data, SIZE, v.consumer, 1, &o), -EPROTO);
	assert_int_equal(ring_rx_init(&rx, v.producer, v.data, SIZE, v.consumer[0], &o), -EPROTO);
	ring_memory_unmap(&m, &v);
	ring_memory_close(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rights),
		TEST(test_every_boundary),
		TEST(test_full),
		TEST(test_stream_one),
		TEST(test_stream_several),
		TEST(test_stream_eight),
		TEST(test_wake_each_record),
		TEST(test_wake_batch),
		TEST(test_nap_ends),
		TEST(test_wake_once),
		TEST(test_lockstep),
		TEST(test_drop),
		TEST(test_left),
		TEST(test_resume),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
