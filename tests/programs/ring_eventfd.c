/* SPDX-License-Identifier: MIT */
/*
 * Rings of atomics between threads with an eventfd for when they are empty, and a sequence lock
 * that readers retry: what is read shows in what is written.
 */
#include "check.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

enum { PRODUCERS = 3, ITEMS = 200, SLOTS = 8 };

static struct ring {
	atomic_uint head, tail, sleeps;
	int slot[SLOTS];
	int event;
} ring[PRODUCERS];

static atomic_uint sequence;
static atomic_int left, right;
static int fd;

static void line(const char *what, int who, int number)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%s %d %d\n", what, who, number);

	CHECK_EQ(write(fd, text, n), n);
}

static void *produce(void *arg)
{
	struct ring *r = arg;
	uint64_t one = 1;

	for (int i = 1; i <= ITEMS; i++) {
		unsigned head = atomic_load(&r->head);

		while (head - atomic_load(&r->tail) == SLOTS)
			pause_ms(1);
		r->slot[head % SLOTS] = i;
		atomic_store(&r->head, head + 1);
		if (atomic_exchange(&r->sleeps, 0))
			CHECK_EQ(write(r->event, &one, sizeof(one)), sizeof(one));
		if (r == ring) {
			atomic_fetch_add(&sequence, 1);
			atomic_store(&left, i);
			atomic_store(&right, i);
			atomic_fetch_add(&sequence, 1);
		}
		if (i % 16 == 0)
			line("made", (int)(r - ring), i);
	}
	return NULL;
}

static void *consume(void *arg)
{
	struct ring *r = arg;
	uint64_t count;

	for (int i = 1; i <= ITEMS;) {
		unsigned tail = atomic_load(&r->tail), seen;
		int l, m;

		if (tail == atomic_load(&r->head)) {
			atomic_store(&r->sleeps, 1);
			if (tail == atomic_load(&r->head))
				CHECK_EQ(read(r->event, &count, sizeof(count)), sizeof(count));
			continue;
		}
		CHECK_EQ(r->slot[tail % SLOTS], i);
		atomic_store(&r->tail, tail + 1);
		i++;
		do {
			seen = atomic_load(&sequence);
			l = atomic_load(&left);
			m = atomic_load(&right);
		} while (seen % 2 || seen != atomic_load(&sequence));
		CHECK_EQ(l, m);
		if (i % 8 == 0)
			line("read", (int)(r - ring), l);
	}
	return NULL;
}

int main(void)
{
	pthread_t thread[2 * PRODUCERS];

	enter_scratch();
	fd = open("log", O_CREAT | O_WRONLY | O_APPEND, 0600);
	CHECK(fd >= 0);
	for (int i = 0; i < PRODUCERS; i++) {
		ring[i].event = eventfd(0, 0);
		CHECK(ring[i].event >= 0);
		CHECK_EQ(pthread_create(&thread[2 * i], NULL, produce, &ring[i]), 0);
		CHECK_EQ(pthread_create(&thread[2 * i + 1], NULL, consume, &ring[i]), 0);
	}
	for (int i = 0; i < 2 * PRODUCERS; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	return done();
}
