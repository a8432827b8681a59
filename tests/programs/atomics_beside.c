/* SPDX-License-Identifier: MIT */
/*
 * Threads that number what they write by an atomic count, and pass items through a ring of atomics,
 * while another computes for long without a call.
 */
#include "check.h"
#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 3, ROUNDS = 60, SLOTS = 16 };

static atomic_int stop, serial;
static atomic_uint put, got;
static _Atomic int slot[SLOTS];
static int fd;

static void *compute(void *arg)
{
	while (!atomic_load(&stop))
		;
	return arg;
}

static void line(const char *what, int who, int number)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%s %d %d\n", what, who, number);

	CHECK_EQ(write(fd, text, n), n);
}

static void *work(void *arg)
{
	int who = (int)(intptr_t)arg;

	for (int i = 0; i < ROUNDS; i++) {
		unsigned at = atomic_fetch_add(&put, 1);
		int item, sum = 0;

		for (int k = 0; k < 20; k++) {
			for (volatile int n = 0; n < 2000;)
				n++;
			sum += atomic_fetch_add(&serial, 1);
		}
		line("sums", who, sum);
		atomic_store(&slot[at % SLOTS], who * ROUNDS + i);
		line("puts", who, atomic_fetch_add(&serial, 1));
		item = atomic_exchange(&slot[atomic_fetch_add(&got, 1) % SLOTS], -1);
		line("gets", who, item);
	}
	return NULL;
}

int main(void)
{
	pthread_t thread[THREADS], beside;

	enter_scratch();
	fd = open("log", O_CREAT | O_WRONLY | O_APPEND, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(pthread_create(&beside, NULL, compute, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, work, (void *)(intptr_t)i), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	atomic_store(&stop, 1);
	CHECK_EQ(pthread_join(beside, NULL), 0);
	return done();
}
