/* SPDX-License-Identifier: MIT */
/*
 * Locks, a condition, a barrier and a count that the program builds of atomics and futexes: who
 * gets them in which order, and how many a wake has woken, shows in what is written.
 */
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

enum { THREADS = 5, ROUNDS = 60 };

static _Atomic uint32_t lock, event, arrived, generation, shared_word;
static int fd, serial, quiet_rounds;

static long futex(_Atomic uint32_t *word, int op, uint32_t value, const struct timespec *time)
{
	return syscall(SYS_futex, word, op, value, time, NULL, 0);
}

/* "mutex2" of "Futexes Are Tricky", with a few tries first. */
static void acquire(void)
{
	uint32_t zero;

	for (int i = 0; i < 20; i++) {
		zero = 0;
		if (atomic_compare_exchange_strong(&lock, &zero, 1))
			return;
	}
	while (atomic_exchange(&lock, 2))
		futex(&lock, FUTEX_WAIT_PRIVATE, 2, NULL);
}

static void release(void)
{
	if (atomic_exchange(&lock, 0) == 2)
		futex(&lock, FUTEX_WAKE_PRIVATE, 1, NULL);
}

static void line(const char *what, long number)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%04d %s %ld\n", serial++, what, number);

	CHECK_EQ(write(fd, text, n), n);
}

/* Wakes whoever is there; how many that are depends on time. */
static void announce(void)
{
	long woken;

	atomic_fetch_add(&event, 1);
	woken = futex(&event, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL);
	CHECK(woken >= 0 && woken < THREADS);
	acquire();
	line("woken", woken);
	release();
}

static void barrier(void)
{
	uint32_t now = atomic_load(&generation);

	if (atomic_fetch_add(&arrived, 1) + 1 == THREADS) {
		atomic_store(&arrived, 0);
		atomic_fetch_add(&generation, 1);
		CHECK(futex(&generation, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL) >= 0);
		return;
	}
	for (int i = 0; i < 50; i++) {
		if (atomic_load(&generation) != now)
			return;
	}
	while (atomic_load(&generation) == now)
		futex(&generation, FUTEX_WAIT_PRIVATE, now, NULL);
}

static void *work(void *arg)
{
	struct timespec little = {.tv_nsec = 30000};
	int who = (int)(intptr_t)arg;

	for (int i = 0; i < ROUNDS; i++) {
		uint32_t seen = atomic_load(&event);
		long result;

		acquire();
		line("has it", who);
		release();
		if (i % 7 == who) {
			announce();
		} else if (i % 7 == who + 1) {
			result = futex(&event, FUTEX_WAIT_PRIVATE, seen, &little) ? errno : 0;
			CHECK(result == 0 || result == EAGAIN || result == ETIMEDOUT);
			acquire();
			line("waited", result);
			release();
		}
		if (i % 20 == 19)
			barrier();
	}
	return NULL;
}

/* A wake without a change, and waiters that are moved to another word. */
static void *wait_once(void *arg)
{
	_Atomic uint32_t *words = arg;
	long result = futex(&words[0], FUTEX_WAIT_PRIVATE, 0, NULL);

	CHECK(result == 0);
	acquire();
	line("let go", (long)atomic_load(&words[2]));
	release();
	return NULL;
}

static void requeue(void)
{
	static _Atomic uint32_t words[3];
	pthread_t thread[3];
	long moved = 0, woken = 0;

	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, wait_once, words), 0);
	atomic_store(&words[2], 1);
	CHECK_EQ(syscall(SYS_futex, &words[0], FUTEX_CMP_REQUEUE_PRIVATE, 0, 1L, &words[1], 1), -1);
	CHECK_EQ(errno, EAGAIN);
	while (woken + moved < 3) {
		long n = syscall(SYS_futex, &words[0], FUTEX_CMP_REQUEUE_PRIVATE, woken ? 0 : 1, 2L,
				 &words[1], 0);

		CHECK(n >= 0);
		if (n && !woken) {
			woken = 1;
			n--;
		}
		moved += n;
		if (!n)
			pause_ms(1);
	}
	for (woken = 0; woken < 2;)
		woken += futex(&words[1], FUTEX_WAKE_PRIVATE, 1, NULL);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
}

/* Threads that compute for long side by side, and meet where some spin and some sleep. */
static void *compute(void *arg)
{
	volatile unsigned n = 0;

	for (int round = 0; round < quiet_rounds; round++) {
		for (unsigned i = 0; i < 500000u * (1 + (round + (int)(intptr_t)arg) % THREADS);
		     i++)
			n += i;
		barrier();
	}
	return NULL;
}

int main(void)
{
	pthread_t thread[THREADS];

	enter_scratch();
	fd = open("log", O_CREAT | O_WRONLY | O_APPEND, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(futex(&shared_word, FUTEX_WAKE, 1, NULL), 0);
	CHECK_EQ(futex(&shared_word, FUTEX_WAIT, 1, NULL), -1);
	CHECK_EQ(errno, EAGAIN);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, work, (void *)(intptr_t)i), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	requeue();
	quiet_rounds = 5;
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, compute, (void *)(intptr_t)i), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	return done();
}
