/* SPDX-License-Identifier: MIT */
#ifndef TANDEM_TEST_ENGINE_TEST_H
#define TANDEM_TEST_ENGINE_TEST_H

/*
 * What the tests of the engine share: each runs over the ways of engine_host.h whose carrier it is
 * for. Those that need no device are the default; the program's argument may name another carrier.
 */

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "engine_host.h"
#include "futex_host.h"

#define TIME_LIMIT 120 /* seconds: only a hang takes that long */
#define SECOND 1000000000ll

static const struct ring_options defaults;
static const struct way *way; /* of this run */

/* A deadline that is waited for. */
static inline int64_t soon(void)
{
	return way->deadline ? 2 * SECOND : SECOND / 2;
}

static inline bool over(const char *carrier)
{
	return !strcmp(way->carrier, carrier);
}

static inline int setup(void **state)
{
	way = *state;
	alarm(TIME_LIMIT);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	alarm(0);
	return 0;
}

static inline uint8_t byte_at(uint64_t position)
{
	return (uint8_t)((position * 0x9e3779b97f4a7c15ull) >> 56);
}

static inline void put(struct ring_tx *tx, uint32_t n)
{
	int err = 0;
	uint8_t *p = ring_reserve(tx, n, &err);

	assert_int_equal(err, 0);
	for (uint32_t i = 0; i < n; i++)
		p[i] = byte_at(tx->head + i);
	ring_commit(tx, n);
}

static inline void get(struct ring_rx *rx, uint32_t n)
{
	const void *p = NULL;

	assert_int_equal(ring_peek(rx, n, &p, 20 * SECOND, false), 0);
	for (uint32_t i = 0; i < n; i++) {
		if (((const uint8_t *)p)[i] != byte_at(rx->tail + i))
			fail_msg("wrong byte at %ju", (uintmax_t)rx->tail + i);
	}
	ring_release(rx, n);
}

/* One record that nobody waits for, and that has come. */
static inline void pass(struct host *a, struct ring_tx *tx, struct host *b, struct ring_rx *rx,
			uint32_t n)
{
	host_enter(a);
	put(tx, n);
	ring_kick(tx);
	host_enter(b);
	get(rx, n);
	host_enter(a);
}

/* Two hosts with one link. */
struct pair {
	struct host a, b;
};

static inline void pair_begin(struct pair *p, uint64_t size)
{
	host_begin(&p->a, true, way, size, 1, 0);
	host_begin(&p->b, false, way, size, 1, 0);
	host_link(&p->a, 0, &p->b, way);
}

/* The same, and the caller is the leader of stream 0. */
static inline void pair_lead(struct pair *p, struct ring_tx *tx)
{
	pair_begin(p, HOST_RING);
	host_enter(&p->a);
	host_tx(&p->a, 0, tx, &defaults);
}

static inline void pair_end(struct pair *p)
{
	host_end(&p->a);
	host_end(&p->b);
}

/* carriers: the names of those that it is for. */
#define TEST(name, carriers)                                                                       \
	{                                                                                          \
#name, name, setup, teardown, (void *)(carriers)                                   \
	}

static inline bool runs(const struct CMUnitTest *test, const struct way *w, const char *carrier)
{
	return strstr(test->initial_state, w->carrier) &&
	       (carrier ? !strcmp(carrier, w->carrier) : strcmp(w->carrier, "rdma") != 0);
}

/* Each test with each way, as one group: there is one plan of TAP for a program. */
static inline int run_all_ways(const struct CMUnitTest *tests, size_t count, const char *carrier)
{
	struct CMUnitTest all[count * ways_count];
	char name[count * ways_count][96];
	size_t n = 0;

	signal(SIGPIPE, SIG_IGN);
	for (unsigned w = 0; w < ways_count; w++) {
		for (size_t i = 0; i < count; i++) {
			if (!runs(&tests[i], &ways[w], carrier))
				continue;
			snprintf(name[n], sizeof(name[n]), "%s: %s", tests[i].name, ways[w].name);
			all[n] = tests[i];
			all[n].name = name[n];
			all[n++].initial_state = (void *)&ways[w];
		}
	}
	return n ? _cmocka_run_group_tests("engine", all, n, NULL, NULL) : 2;
}

#endif
