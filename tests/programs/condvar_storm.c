/* SPDX-License-Identifier: MIT */
/*
 * 150 threads at one condition: broadcasts, single signals and times that pass come all at
 * once; each that is let go writes a line.
 */
#include "check.h"
#include <pthread.h>

enum { THREADS = 150, ROUNDS = 4 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER, ready = PTHREAD_COND_INITIALIZER;
static int round_now, waiting, serial, fd;

static void line(int who, int result)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%d %d %d\n", serial++, who, result);

	CHECK_EQ(write(fd, text, n), n);
}

static void *work(void *arg)
{
	int who = (int)(intptr_t)arg;

	CHECK_EQ(pthread_mutex_lock(&lock), 0);
	for (int round = 1; round <= ROUNDS; round++) {
		int result = 0;

		if (++waiting == THREADS)
			CHECK_EQ(pthread_cond_signal(&ready), 0);
		while (round_now < round) {
			struct timespec at;

			if (who % 3) {
				CHECK_EQ(pthread_cond_wait(&turn, &lock), 0);
				continue;
			}
			CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &at), 0);
			at.tv_nsec += 20000000 + who * 100000;
			at.tv_sec += at.tv_nsec / 1000000000;
			at.tv_nsec %= 1000000000;
			result = pthread_cond_clockwait(&turn, &lock, CLOCK_MONOTONIC, &at);
			CHECK(result == 0 || result == ETIMEDOUT);
		}
		line(who, result);
	}
	CHECK_EQ(pthread_mutex_unlock(&lock), 0);
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
	for (int round = 1; round <= ROUNDS; round++) {
		CHECK_EQ(pthread_mutex_lock(&lock), 0);
		while (waiting < THREADS)
			CHECK_EQ(pthread_cond_wait(&ready, &lock), 0);
		waiting = 0;
		round_now = round;
		for (int i = 0; i < 3; i++)
			CHECK_EQ(pthread_cond_signal(&turn), 0);
		CHECK_EQ(pthread_mutex_unlock(&lock), 0);
		CHECK_EQ(pthread_cond_broadcast(&turn), 0);
	}
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	return done();
}
