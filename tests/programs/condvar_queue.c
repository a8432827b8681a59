/* SPDX-License-Identifier: MIT */
/* Producers and consumers around a bounded queue; consumers write what they get to a pipe. */
#include "check.h"
#include <pthread.h>

#define ITEMS 300
#define SLOTS 8

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_full = PTHREAD_COND_INITIALIZER, not_empty = PTHREAD_COND_INITIALIZER;
static int queue[SLOTS], used, head, p[2];

static void put(int v)
{
	CHECK_EQ(pthread_mutex_lock(&lock), 0);
	while (used == SLOTS)
		CHECK_EQ(pthread_cond_wait(&not_full, &lock), 0);
	queue[(head + used++) % SLOTS] = v;
	CHECK_EQ(pthread_cond_signal(&not_empty), 0);
	CHECK_EQ(pthread_mutex_unlock(&lock), 0);
}

static int take(void)
{
	int v;

	CHECK_EQ(pthread_mutex_lock(&lock), 0);
	while (!used)
		CHECK_EQ(pthread_cond_wait(&not_empty, &lock), 0);
	v = queue[head];
	head = (head + 1) % SLOTS;
	used--;
	CHECK_EQ(pthread_cond_signal(&not_full), 0);
	CHECK_EQ(pthread_mutex_unlock(&lock), 0);
	return v;
}

static void *produce(void *arg)
{
	int i;

	for (i = 0; i < ITEMS; i++)
		put((int)(intptr_t)arg + i);
	return NULL;
}

static void *consume(void *arg)
{
	int v;

	(void)arg;
	while ((v = take()) >= 0)
		CHECK_EQ(write(p[1], &v, sizeof(v)), sizeof(v));
	return NULL;
}

int main(void)
{
	struct timespec past = {1, 0};
	pthread_t prod[2], cons[3];
	long sum = 0;
	int i, v;

	CHECK_EQ(pipe(p), 0);
	for (i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&cons[i], NULL, consume, NULL), 0);
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&prod[i], NULL, produce, (void *)(intptr_t)(i * 1000)), 0);
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(prod[i], NULL), 0);
	for (i = 0; i < 3; i++)
		put(-1);
	for (i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(cons[i], NULL), 0);
	for (i = 0; i < 2 * ITEMS; i++) {
		CHECK_EQ(read(p[0], &v, sizeof(v)), sizeof(v));
		sum += v;
	}
	CHECK_EQ(sum, 2L * (ITEMS * (ITEMS - 1) / 2) + 1000L * ITEMS);
	CHECK_EQ(pthread_mutex_lock(&lock), 0);
	CHECK_EQ(pthread_cond_timedwait(&not_full, &lock, &past), ETIMEDOUT);
	printf("%ld\n", sum);
	return done();
}
