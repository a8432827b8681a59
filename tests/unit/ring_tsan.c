/* SPDX-License-Identifier: MIT */

/*
 * The ring under stress between threads of one process, for ThreadSanitizer (and without it):
 *
 *   ring_tsan [SECONDS]      (default 4; prints TAP, or a report)
 *
 * Each mode gets its share of the time, in short runs with a new ring each. Sleeps have no
 * timeouts, so a wake-up that is missed hangs, and alarm() ends the run. Lengths, pauses and
 * lockstep are random; both sides draw the lengths from the same generator.
 */

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "futex_host.h"
#include "ring_memory.h"

#define SIZE 4096u
#define RECORDS 2000u
#define CONSUMERS 2u /* a spinner needs a core of its own: then it is one */

struct run {
	struct ring_memory memory;
	struct ring_view view;
	struct ring_options options;
	bool urgent;
	uint64_t seed;
};

struct reader {
	struct run *run;
	unsigned me;
};

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static uint32_t length(uint64_t *state)
{
	uint64_t r = next(state);

	return (uint32_t)(r % 32 ? r / 32 % 64 : r / 32 % (SIZE / 2));
}

/* Now and then let the other side run dry, full or to sleep. */
static void dawdle(uint64_t *state)
{
	uint64_t r = next(state) % 512;

	if (r == 0)
		usleep(20);
	else if (r < 8)
		sched_yield();
}

static void fail(const char *what, int rc)
{
	fprintf(stderr, "Bail out! ring_tsan: %s: %d\n", what, rc);
	exit(1);
}

static void *read_all(void *argument)
{
	const struct reader *reader = argument;
	const struct run *run = reader->run;
	uint64_t lengths = run->seed, pauses = run->seed + 1 + reader->me;
	struct ring_rx rx;
	int rc = ring_rx_init(&rx, run->view.producer, run->view.data, SIZE,
			      run->view.consumer[reader->me], &run->options);

	if (rc)
		fail("ring_rx_init", rc);
	for (unsigned i = 0; i < RECORDS; i++) {
		uint32_t n = length(&lengths);
		const void *p = NULL;

		rc = ring_peek(&rx, n, &p, RING_FOREVER, run->urgent);
		if (rc)
			fail("ring_peek", rc);
		for (uint32_t j = 0; j < n; j++) {
			if (((const uint8_t *)p)[j] != (uint8_t)(i + j))
				fail("wrong byte in record", (int)i);
		}
		ring_release(&rx, n);
		dawdle(&pauses);
	}
	return NULL;
}

static void run_once(enum ring_wait mode, bool urgent, uint64_t seed)
{
	const unsigned count = mode == RING_WAIT_SPIN ? 1 : CONSUMERS;
	struct run run = {.memory = ring_memory_create(SIZE, count),
			  .options = {.wait = mode},
			  .urgent = urgent,
			  .seed = seed};
	struct reader reader[CONSUMERS];
	pthread_t thread[CONSUMERS];
	uint64_t lengths = seed, pauses = seed + 100;
	struct ring_tx tx;
	int rc;

	run.view = ring_memory_view(&run.memory, RING_ALL);
	rc = ring_tx_init(&tx, run.view.producer, run.view.data, SIZE, run.view.consumer, count,
			  &run.options);
	if (rc)
		fail("ring_tx_init", rc);
	for (unsigned i = 0; i < count; i++) {
		reader[i] = (struct reader){.run = &run, .me = i};
		if (pthread_create(&thread[i], NULL, read_all, &reader[i]))
			fail("pthread_create", (int)i);
	}
	for (unsigned i = 0; i < RECORDS; i++) {
		uint32_t n = length(&lengths);
		uint8_t *p = ring_reserve(&tx, n, &rc);

		if (!p)
			fail("ring_reserve", rc);
		for (uint32_t j = 0; j < n; j++)
			p[j] = (uint8_t)(i + j);
		ring_publish(&tx, n);
		if (next(&pauses) % 16 == 0)
			rc = ring_wait_checked(&tx, ring_head(&tx), RING_FOREVER);
		if (rc)
			fail("ring_wait_checked", rc);
		dawdle(&pauses);
	}
	rc = ring_wait_checked(&tx, ring_head(&tx), RING_FOREVER);
	if (rc)
		fail("ring_wait_checked", rc);
	for (unsigned i = 0; i < count; i++)
		pthread_join(thread[i], NULL);
	ring_memory_unmap(&run.memory, &run.view);
	ring_memory_close(&run.memory);
}

int main(int argc, char **argv)
{
	static const struct {
		enum ring_wait mode;
		bool urgent;
		const char *name;
	} way[] = {
		{RING_WAIT_ADAPTIVE, false, "adaptive"},
		{RING_WAIT_ADAPTIVE, true, "adaptive, urgent"},
		{RING_WAIT_BLOCK, false, "block"},
		{RING_WAIT_SPIN, false, "spin"},
	};
	const int ways = sizeof(way) / sizeof(way[0]);
	int64_t seconds = argc > 1 ? atoi(argv[1]) : 4;

	futex_no_timeouts = true;
	alarm((unsigned)seconds + 60);
	for (int i = 0; i < ways; i++) {
		int64_t end = tnd_monotonic() + seconds * 1000000000 / ways;
		unsigned long waits = futex_waits, wakes = futex_wakes;
		uint64_t seed = 1;

		do
			run_once(way[i].mode, way[i].urgent, seed++ * 0x9e3779b97f4a7c15ull);
		while (tnd_monotonic() < end);
		printf("ok %d - %s: %ju runs of %u records, %lu sleeps, %lu wakes\n", i + 1,
		       way[i].name, (uintmax_t)seed - 1, RECORDS, futex_waits - waits,
		       futex_wakes - wakes);
	}
	printf("1..%d\n", ways);
	return 0;
}
