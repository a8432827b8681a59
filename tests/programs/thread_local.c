/* SPDX-License-Identifier: MIT */
/* Thread-local data: errno, __thread variables, keys with destructors, pthread_once. */
#include "check.h"
#include <pthread.h>

#define THREADS 6

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int once_count, destroyed;
static __thread int own = 7;

static void destructor(void *value)
{
	CHECK_EQ(pthread_mutex_lock(&lock), 0);
	destroyed += (int)(intptr_t)value;
	CHECK_EQ(pthread_mutex_unlock(&lock), 0);
}

static void init(void)
{
	once_count++;
	CHECK_EQ(pthread_key_create(&key, destructor), 0);
}

static void *work(void *arg)
{
	int id = (int)(intptr_t)arg, i;

	CHECK_EQ(pthread_once(&once, init), 0);
	CHECK(!pthread_getspecific(key));
	CHECK_EQ(pthread_setspecific(key, arg), 0);
	CHECK_EQ(own, 7);
	own = id;
	for (i = 0; i < 100; i++) {
		if (id % 2)
			CHECK_ERR(close(-1), EBADF);
		else
			CHECK_ERR(open("/no/such/file", O_RDONLY), ENOENT);
		sched_yield();
		CHECK_EQ(errno, id % 2 ? EBADF : ENOENT);
		CHECK_EQ(own, id);
	}
	CHECK(pthread_getspecific(key) == arg);
	return NULL;
}

int main(void)
{
	pthread_t t[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, work, (void *)(intptr_t)(i + 1)), 0);
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
	CHECK_EQ(once_count, 1);
	CHECK_EQ(own, 7);
	CHECK_EQ(destroyed, THREADS * (THREADS + 1) / 2);
	return done();
}
