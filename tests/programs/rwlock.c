/* SPDX-License-Identifier: MIT */
/* A read-write lock: readers always see both halves equal, try calls tell when it is taken. */
#include "check.h"
#include <pthread.h>

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static volatile long left, right;

static void *writer(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 1000; i++) {
		CHECK_EQ(pthread_rwlock_wrlock(&lock), 0);
		left++;
		right++;
		CHECK_EQ(pthread_rwlock_unlock(&lock), 0);
	}
	return NULL;
}

static void *reader(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 1000; i++) {
		CHECK_EQ(pthread_rwlock_rdlock(&lock), 0);
		CHECK_EQ(left, right);
		CHECK_EQ(pthread_rwlock_unlock(&lock), 0);
	}
	return NULL;
}

int main(void)
{
	pthread_t t[5];
	int i;

	for (i = 0; i < 5; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, i < 2 ? writer : reader, NULL), 0);
	for (i = 0; i < 5; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
	CHECK_EQ(left, 2000);
	CHECK_EQ(pthread_rwlock_rdlock(&lock), 0);
	CHECK_EQ(pthread_rwlock_tryrdlock(&lock), 0);
	CHECK_EQ(pthread_rwlock_trywrlock(&lock), EBUSY);
	printf("%ld\n", left);
	return done();
}
