/* SPDX-License-Identifier: MIT */
/* Threads: create, join with a value, detach, attributes, pthread_exit, ids differ. */
#include "check.h"
#include <pthread.h>

static int detached_pipe[2];

static void *twice(void *arg)
{
	return (void *)((intptr_t)arg * 2);
}

static void *leave(void *arg)
{
	pthread_exit((char *)arg + 1);
}

static void *detached(void *arg)
{
	(void)arg;
	CHECK_EQ(pthread_detach(pthread_self()), 0);
	CHECK(gettid() != getpid());
	CHECK_EQ(write(detached_pipe[1], "d", 1), 1);
	return NULL;
}

int main(void)
{
	pthread_attr_t attr;
	pthread_t t[5];
	size_t size;
	void *ret;
	char c;
	int i;

	CHECK_EQ(gettid(), getpid());
	for (i = 0; i < 5; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, twice, (void *)(intptr_t)(i + 1)), 0);
	for (i = 4; i >= 0; i--) {
		CHECK_EQ(pthread_join(t[i], &ret), 0);
		CHECK_EQ((intptr_t)ret, 2 * (i + 1));
	}
	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setstacksize(&attr, 256 * 1024), 0);
	CHECK_EQ(pthread_attr_getstacksize(&attr, &size), 0);
	CHECK_EQ(size, 256 * 1024);
	CHECK_EQ(pthread_create(&t[0], &attr, leave, (void *)41), 0);
	CHECK_EQ(pthread_join(t[0], &ret), 0);
	CHECK_EQ((intptr_t)ret, 42);
	CHECK_EQ(pipe(detached_pipe), 0);
	CHECK_EQ(pthread_create(&t[0], NULL, detached, NULL), 0);
	CHECK_EQ(read(detached_pipe[0], &c, 1), 1);
	CHECK_EQ(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED), 0);
	CHECK_EQ(pthread_create(&t[0], &attr, twice, NULL), 0);
	return done();
}
