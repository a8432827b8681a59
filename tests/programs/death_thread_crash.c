/* SPDX-License-Identifier: MIT */
/* expect: signal 11 */
/* A crash in one thread ends the whole process. */
#include "check.h"
#include <pthread.h>

static void *crash(void *arg)
{
	CHECK_EQ(write(1, "thread\n", 7), 7);
	*(volatile int *)arg = 1;
	return NULL;
}

int main(void)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, crash, (void *)24), 0);
	pthread_join(t, NULL);
	for (;;)
		pause();
}
