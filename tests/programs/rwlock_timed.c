/* SPDX-License-Identifier: MIT */
/*
 * Read-write locks with either preference, acquired in all ways, some until a time that passes:
 * readers that come in a stream, writers that wait. Barriers are used again and again.
 */
#include "check.h"
#include <pthread.h>

enum { THREADS = 5, ROUNDS = 50 };

static int fd, serial;
static pthread_rwlock_t lock;
static pthread_barrier_t barrier;

static struct timespec in_us(clockid_t clock, long us)
{
	struct timespec at;

	CHECK_EQ(clock_gettime(clock, &at), 0);
	at.tv_nsec += us * 1000;
	at.tv_sec += at.tv_nsec / 1000000000;
	at.tv_nsec %= 1000000000;
	return at;
}

static int get(int way)
{
	struct timespec at = in_us(way % 2 ? CLOCK_MONOTONIC : CLOCK_REALTIME, 50);

	switch (way) {
	case 0:
		return pthread_rwlock_timedrdlock(&lock, &at);
	case 1:
		return pthread_rwlock_clockrdlock(&lock, CLOCK_MONOTONIC, &at);
	case 2:
		return pthread_rwlock_timedwrlock(&lock, &at);
	case 3:
		return pthread_rwlock_clockwrlock(&lock, CLOCK_MONOTONIC, &at);
	case 4:
		return pthread_rwlock_rdlock(&lock);
	case 5:
		return pthread_rwlock_wrlock(&lock);
	case 6:
		return pthread_rwlock_tryrdlock(&lock);
	default:
		return pthread_rwlock_trywrlock(&lock);
	}
}

static void *work(void *arg)
{
	int who = (int)(intptr_t)arg, serials = 0;

	for (int i = 0; i < ROUNDS; i++) {
		int way = (i * 3 + who) % 8, result = get(way), n;
		char text[64];

		CHECK(result == 0 || (result == ETIMEDOUT && way < 4) ||
		      (result == EBUSY && way > 5));
		if (result == 0 && (way == 2 || way == 3 || way == 5 || way == 7))
			serial++;
		n = snprintf(text, sizeof(text), "%d %d %d %d\n", who, i, result,
			     result ? 0 : serial);
		CHECK_EQ(write(fd, text, n), n);
		if (result == 0)
			CHECK_EQ(pthread_rwlock_unlock(&lock), 0);
		if (i % 4 == 0) {
			result = pthread_barrier_wait(&barrier);
			CHECK(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
			if (result) {
				serials++;
				CHECK_EQ(write(fd, "barrier\n", 8), 8);
			}
		}
	}
	disclose(&serials, sizeof(serials));
	return NULL;
}

int main(void)
{
	static const int kinds[] = {PTHREAD_RWLOCK_PREFER_READER_NP,
				    PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP};
	pthread_t thread[THREADS];
	pthread_rwlockattr_t a;

	enter_scratch();
	fd = open("log", O_CREAT | O_WRONLY | O_APPEND, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(pthread_barrier_init(&barrier, NULL, THREADS), 0);
	for (int k = 0; k < 2; k++) {
		CHECK_EQ(pthread_rwlockattr_init(&a), 0);
		CHECK_EQ(pthread_rwlockattr_setkind_np(&a, kinds[k]), 0);
		CHECK_EQ(pthread_rwlock_init(&lock, &a), 0);
		for (int i = 0; i < THREADS; i++)
			CHECK_EQ(pthread_create(&thread[i], NULL, work, (void *)(intptr_t)i), 0);
		for (int i = 0; i < THREADS; i++)
			CHECK_EQ(pthread_join(thread[i], NULL), 0);
		CHECK_EQ(pthread_rwlock_destroy(&lock), 0);
	}
	return done();
}
