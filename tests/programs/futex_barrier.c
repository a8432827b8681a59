/* SPDX-License-Identifier: MIT */
/* 40 threads through a lock and to a barrier: libc's, then two of the program's own making. */
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#define THREADS 40
#define ROUNDS 3

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t barrier;
static _Atomic uint32_t lock, arrived, round_number;
static int counted, counted_own;

static void futex_wait(_Atomic uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int most)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, most, NULL, NULL, 0);
}

static void acquire(void)
{
	uint32_t was = 0;

	if (atomic_compare_exchange_strong(&lock, &was, 1))
		return;
	while (atomic_exchange(&lock, 2))
		futex_wait(&lock, 2);
}

static void release(void)
{
	if (atomic_exchange(&lock, 0) == 2)
		futex_wake(&lock, 1);
}

static void meet(void)
{
	uint32_t now = atomic_load(&round_number);

	if (atomic_fetch_add(&arrived, 1) + 1 == THREADS + 1) {
		atomic_store(&arrived, 0);
		atomic_fetch_add(&round_number, 1);
		futex_wake(&round_number, INT32_MAX);
		return;
	}
	while (atomic_load(&round_number) == now)
		futex_wait(&round_number, now);
}

static void *work(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		CHECK_EQ(pthread_mutex_lock(&mutex), 0);
		counted++;
		CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
		pthread_barrier_wait(&barrier);
		acquire();
		counted_own++;
		release();
		meet();
	}
	return NULL;
}

int main(void)
{
	pthread_t t[THREADS];

	CHECK_EQ(pthread_barrier_init(&barrier, NULL, THREADS + 1), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, work, NULL), 0);
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&barrier);
		meet();
	}
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
	CHECK_EQ(counted, THREADS * ROUNDS);
	CHECK_EQ(counted_own, THREADS * ROUNDS);
	return done();
}
