/* SPDX-License-Identifier: MIT */
/*
 * A spin lock of the program's own whose waiters yield, held across calls, by more threads than
 * two: who gets it next shows in what is written.
 */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { THREADS = 5, ROUNDS = 60 };

static atomic_int lock, order;
static int fd;

static void *work(void *arg)
{
	int who = (int)(intptr_t)arg;

	for (int i = 0; i < ROUNDS; i++) {
		char text[64];
		int n;

		while (atomic_exchange(&lock, 1))
			sched_yield();
		n = snprintf(text, sizeof(text), "%d %d\n", who, atomic_fetch_add(&order, 1));
		CHECK_EQ(write(fd, text, n), n);
		if (i % 8 == 0)
			pause_ms(1);
		CHECK_EQ(write(fd, "-\n", 2), 2);
		atomic_store(&lock, 0);
	}
	return NULL;
}

int main(void)
{
	pthread_t thread[THREADS];

	enter_scratch();
	fd = open("log", O_CREAT | O_WRONLY | O_APPEND, 0600);
	CHECK(fd >= 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, work, (void *)(intptr_t)i), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	return done();
}
