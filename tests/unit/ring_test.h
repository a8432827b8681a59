/* SPDX-License-Identifier: MIT */
#ifndef TANDEM_TEST_RING_TEST_H
#define TANDEM_TEST_RING_TEST_H

/*
 * What the tests of the ring share: children, and the two ends with the mappings that they have in
 * earnest. A child that fails exits with a status that names the step; alarm() ends what hangs.
 */

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "futex_host.h"
#include "ring_memory.h"

#define SIZE 4096u
#define TIME_LIMIT 60 /* seconds: only a hang takes that long */

static const enum ring_wait modes[] = {RING_WAIT_ADAPTIVE, RING_WAIT_SPIN, RING_WAIT_BLOCK};
#define MODES (sizeof(modes) / sizeof(modes[0]))

/* Shared between parent and children of one test. */
struct shared {
	_Atomic uint32_t halt;
	_Atomic int step;
	_Atomic unsigned long wakes;
};

static struct shared *shared;

static inline int setup(void **state)
{
	(void)state;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	futex_no_timeouts = false;
	alarm(TIME_LIMIT);
	return shared == MAP_FAILED;
}

static inline int teardown(void **state)
{
	(void)state;
	alarm(0);
	return munmap(shared, sizeof(*shared));
}

/* In a child: no cmocka, it would report twice. */
#define REQUIRE(what, code)                                                                        \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "# child: line %d: %s\n", __LINE__, #what);                \
			_exit(code);                                                               \
		}                                                                                  \
	} while (0)

static inline pid_t child_start(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		alarm(TIME_LIMIT);
	return pid;
}

static inline int child_status(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static inline void wait_step(int step)
{
	while (shared->step < step)
		sched_yield();
}

/* A ring that's new again, on memory that was used. */
static inline void renew(struct ring_view *v, const struct ring_memory *m)
{
	memset(v->producer, 0, RING_PAGE);
	for (unsigned i = 0; i < m->count; i++)
		memset(v->consumer[i], 0, RING_PAGE);
}

static inline struct ring_tx tx_open(const struct ring_memory *m, struct ring_view *v,
				     const struct ring_options *o)
{
	struct ring_tx tx;

	*v = ring_memory_view(m, -1);
	assert_int_equal(ring_tx_init(&tx, v->producer, v->data, m->size, v->consumer, m->count, o),
			 0);
	return tx;
}

static inline struct ring_rx rx_open(const struct ring_memory *m, struct ring_view *v, unsigned i,
				     const struct ring_options *o)
{
	struct ring_rx rx;
	int rc;

	*v = ring_memory_view(m, (int)i);
	rc = ring_rx_init(&rx, v->producer, v->data, m->size, v->consumer[i], o);
	if (rc) {
		fprintf(stderr, "# ring_rx_init: %d\n", rc);
		_exit(90);
	}
	return rx;
}

/* Each byte of the stream depends on its position only. */
static inline uint8_t byte_at(uint64_t position)
{
	return (uint8_t)((position * 0x9e3779b97f4a7c15ull) >> 56);
}

static inline void fill(uint8_t *p, uint64_t position, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		p[i] = byte_at(position + i);
}

static inline bool matches(const uint8_t *p, uint64_t position, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (p[i] != byte_at(position + i))
			return false;
	}
	return true;
}

static inline void send_bytes(struct ring_tx *tx, uint32_t n)
{
	int err = 0;
	uint8_t *p = ring_reserve(tx, n, &err);

	assert_int_equal(err, 0);
	assert_non_null(p);
	fill(p, ring_head(tx), n);
	ring_publish(tx, n);
}

static inline void until_asleep(const struct ring_view *v)
{
	while (v->consumer[0]->wake_at == 0 || v->consumer[0]->wake_at == RING_AWAKE)
		sched_yield();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
