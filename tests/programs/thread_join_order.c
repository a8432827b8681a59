/* SPDX-License-Identifier: MIT */
/*
 * What a thread finds in memory behind pthread_join, other threads running on, shows in its calls;
 * so does whether a thread had ended when it was looked for.
 */
#include "check.h"
#include <pthread.h>
#include <stdatomic.h>

enum { OTHERS = 3, JOINS = 100 };

static _Atomic int steps, stop;
static int nowhere;

static void *run_on(void *arg)
{
	while (!atomic_load(&stop)) {
		int step = atomic_fetch_add(&steps, 1);

		CHECK_EQ(pwrite(nowhere, &step, sizeof(step), (intptr_t)arg), sizeof(step));
	}
	return arg;
}

static void *little(void *arg)
{
	for (int i = 0; i < (intptr_t)arg % 4; i++)
		CHECK_EQ(pwrite(nowhere, &i, sizeof(i), 0), sizeof(i));
	return arg;
}

static void show(int what)
{
	CHECK_EQ(pwrite(nowhere, &what, sizeof(what), 100), sizeof(what));
}

/* In one of the ways that there are. */
static void join(pthread_t thread, void **value, int way)
{
	struct timespec at;
	int result, tries = 0;

	switch (way) {
	case 0:
		CHECK_EQ(pthread_join(thread, value), 0);
		break;
	case 1:
		while ((result = pthread_tryjoin_np(thread, value)) != 0) {
			CHECK_EQ(result, EBUSY);
			tries++;
			CHECK_EQ(pwrite(nowhere, &tries, sizeof(tries), 200), sizeof(tries));
		}
		break;
	case 2:
		do {
			CHECK_EQ(clock_gettime(CLOCK_REALTIME, &at), 0);
			at.tv_nsec += 20000;
			at.tv_sec += at.tv_nsec / 1000000000;
			at.tv_nsec %= 1000000000;
			result = pthread_timedjoin_np(thread, value, &at);
			CHECK(result == 0 || result == ETIMEDOUT);
			show(result);
		} while (result);
		break;
	default:
		CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &at), 0);
		at.tv_sec += 1000;
		CHECK_EQ(pthread_clockjoin_np(thread, value, CLOCK_MONOTONIC, &at), 0);
	}
}

int main(void)
{
	pthread_t other[OTHERS];

	nowhere = open("/dev/null", O_WRONLY);
	CHECK(nowhere >= 0);
	for (int i = 0; i < OTHERS; i++)
		CHECK_EQ(pthread_create(&other[i], NULL, run_on, (void *)(intptr_t)i), 0);
	for (int i = 0; i < JOINS; i++) {
		pthread_t thread;
		void *value;

		CHECK_EQ(pthread_create(&thread, NULL, little, (void *)(intptr_t)i), 0);
		join(thread, &value, i % 4);
		show(atomic_load(&steps));
		CHECK_EQ((intptr_t)value, i);
	}
	atomic_store(&stop, 1);
	for (int i = 0; i < OTHERS; i++) {
		CHECK_EQ(pthread_join(other[i], NULL), 0);
		show(atomic_load(&steps));
	}
	return done();
}
