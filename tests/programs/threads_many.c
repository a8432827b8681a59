/* SPDX-License-Identifier: MIT */
/* 50 threads at the same time, each with a pipe of its own, started by a broadcast. */
#include "check.h"
#include <pthread.h>

#define THREADS 50

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t go = PTHREAD_COND_INITIALIZER;
static int started;
static int out[THREADS];

static void *work(void *arg)
{
	int id = (int)(intptr_t)arg;

	CHECK_EQ(pthread_mutex_lock(&lock), 0);
	while (!started)
		CHECK_EQ(pthread_cond_wait(&go, &lock), 0);
	CHECK_EQ(pthread_mutex_unlock(&lock), 0);
	CHECK_EQ(write(out[id], &id, sizeof(id)), sizeof(id));
	return (void *)(intptr_t)gettid();
}

int main(void)
{
	pthread_t t[THREADS];
	int in[THREADS], p[2], i, j, got;
	intptr_t tid[THREADS];
	void *ret;

	for (i = 0; i < THREADS; i++) {
		CHECK_EQ(pipe(p), 0);
		in[i] = p[0];
		out[i] = p[1];
		CHECK_EQ(pthread_create(&t[i], NULL, work, (void *)(intptr_t)i), 0);
	}
	CHECK_EQ(pthread_mutex_lock(&lock), 0);
	started = 1;
	CHECK_EQ(pthread_cond_broadcast(&go), 0);
	CHECK_EQ(pthread_mutex_unlock(&lock), 0);
	for (i = 0; i < THREADS; i++) {
		CHECK_EQ(read(in[i], &got, sizeof(got)), sizeof(got));
		CHECK_EQ(got, i);
	}
	for (i = 0; i < THREADS; i++) {
		CHECK_EQ(pthread_join(t[i], &ret), 0);
		tid[i] = (intptr_t)ret;
		CHECK(tid[i] > 0 && tid[i] != getpid());
		disclose(&tid[i], sizeof(tid[i]));
		for (j = 0; j < i; j++)
			CHECK(tid[i] != tid[j]);
	}
	return done();
}
