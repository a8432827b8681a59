/* SPDX-License-Identifier: MIT */
/* main leaves by pthread_exit; the other threads go on, the last one ends the process. */
#include "check.h"
#include <pthread.h>

static pthread_t main_thread;

static void *worker(void *arg)
{
	int p[2];
	char c;

	(void)arg;
	CHECK_EQ(pthread_join(main_thread, NULL), 0);
	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(read(p[0], &c, 1), 1);
	CHECK_EQ(write(1, "after main\n", 11), 11);
	return NULL;
}

int main(void)
{
	pthread_t t;

	main_thread = pthread_self();
	CHECK_EQ(pthread_create(&t, NULL, worker, NULL), 0);
	pthread_exit(NULL);
}
