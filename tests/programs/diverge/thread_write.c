/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: write\(1, "tread */
/* Only a thread differs, while main waits. */
#include "check.h"
#include <pthread.h>

static void *work(void *arg)
{
	(void)arg;
	CHECK_EQ(write(1, twin() ? "tread!\n" : "thread\n", 7), 7);
	return NULL;
}

int main(void)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, work, NULL), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
	return done();
}
