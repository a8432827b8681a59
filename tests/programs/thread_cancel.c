/* SPDX-License-Identifier: MIT */
/* pthread_cancel of threads in read, in nanosleep, in pthread_cond_wait, in sem_wait and in
 * pthread_join; cleanup handlers. */
#include "check.h"
#include <pthread.h>
#include <semaphore.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static sem_t empty;
static int p[2], cleaned;

static void cleanup(void *arg)
{
	cleaned += (int)(intptr_t)arg;
}

static void unlock(void *arg)
{
	CHECK_EQ(pthread_mutex_unlock(arg), 0);
}

static void *in_read(void *arg)
{
	char c;

	pthread_cleanup_push(cleanup, arg);
	CHECK_EQ(read(p[0], &c, 1), 1);
	pthread_cleanup_pop(0);
	return NULL;
}

static void *in_sleep(void *arg)
{
	struct timespec ts = {100, 0};

	pthread_cleanup_push(cleanup, arg);
	nanosleep(&ts, NULL);
	pthread_cleanup_pop(0);
	return NULL;
}

static void *in_cond(void *arg)
{
	(void)arg;
	CHECK_EQ(pthread_mutex_lock(&lock), 0);
	pthread_cleanup_push(unlock, &lock);
	for (;;)
		pthread_cond_wait(&never, &lock);
	pthread_cleanup_pop(0);
	return NULL;
}

static void *in_semaphore(void *arg)
{
	pthread_cleanup_push(cleanup, arg);
	CHECK_EQ(sem_wait(&empty), 0);
	pthread_cleanup_pop(0);
	return NULL;
}

static pthread_t sleeper;

static void *in_join(void *arg)
{
	pthread_cleanup_push(cleanup, arg);
	CHECK_EQ(pthread_join(sleeper, NULL), 0);
	pthread_cleanup_pop(0);
	return NULL;
}

static void end(void *(*f)(void *), intptr_t arg, int pause, void *want)
{
	pthread_t t;
	void *ret;

	CHECK_EQ(pthread_create(&t, NULL, f, (void *)arg), 0);
	if (pause)
		pause_ms(pause);
	CHECK_EQ(pthread_cancel(t), 0);
	CHECK_EQ(pthread_join(t, &ret), 0);
	CHECK(ret == want);
}

int main(void)
{
	CHECK_EQ(pipe(p), 0);
	end(in_read, 1, 10, PTHREAD_CANCELED);
	end(in_sleep, 10, 10, PTHREAD_CANCELED);
	end(in_cond, 0, 10, PTHREAD_CANCELED);
	CHECK_EQ(sem_init(&empty, 0, 0), 0);
	end(in_semaphore, 100, 10, PTHREAD_CANCELED);
	CHECK_EQ(pthread_create(&sleeper, NULL, in_sleep, (void *)10000), 0);
	end(in_join, 1000, 10, PTHREAD_CANCELED);
	CHECK_EQ(pthread_cancel(sleeper), 0);
	CHECK_EQ(pthread_join(sleeper, NULL), 0);
	CHECK_EQ(cleaned, 11111);
	CHECK_EQ(pthread_mutex_trylock(&lock), 0);
	return done();
}
