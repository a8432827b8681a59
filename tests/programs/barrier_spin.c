/* SPDX-License-Identifier: MIT */
/* Barriers in rounds (one serial thread each time) and a spin lock. */
#include "check.h"
#include <pthread.h>

#define THREADS 4
#define ROUNDS 50

static pthread_barrier_t barrier;
static pthread_spinlock_t spin;
static int serial, sum[ROUNDS];

static void *work(void *arg)
{
	int r, ret;

	(void)arg;
	for (r = 0; r < ROUNDS; r++) {
		CHECK_EQ(pthread_spin_lock(&spin), 0);
		sum[r]++;
		CHECK_EQ(pthread_spin_unlock(&spin), 0);
		ret = pthread_barrier_wait(&barrier);
		CHECK_EQ(sum[r], THREADS);
		if (ret == PTHREAD_BARRIER_SERIAL_THREAD)
			serial++;
		else
			CHECK_EQ(ret, 0);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

int main(void)
{
	pthread_t t[THREADS];
	int i;

	CHECK_EQ(pthread_barrier_init(&barrier, NULL, THREADS), 0);
	CHECK_EQ(pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE), 0);
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, work, NULL), 0);
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
	CHECK_EQ(serial, ROUNDS);
	CHECK_EQ(pthread_barrier_destroy(&barrier), 0);
	printf("%d\n", serial);
	return done();
}
