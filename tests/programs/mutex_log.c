/* SPDX-License-Identifier: MIT */
/* Threads log under a mutex: the order of the lines depends on the order of the locks. */
#include "check.h"
#include <pthread.h>

#define THREADS 5
#define LINES 40

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int fd, serial;

static void *work(void *arg)
{
	int id = (int)(intptr_t)arg, i, n;
	char line[32];

	for (i = 0; i < LINES; i++) {
		CHECK_EQ(pthread_mutex_lock(&lock), 0);
		n = snprintf(line, sizeof(line), "%04d thread %d\n", serial++, id);
		CHECK_EQ(write(fd, line, n), n);
		CHECK_EQ(pthread_mutex_unlock(&lock), 0);
	}
	return NULL;
}

int main(void)
{
	int i, number, id, per_thread[THREADS] = {0};
	pthread_t t[THREADS];
	FILE *f;

	enter_scratch();
	fd = open("log", O_CREAT | O_WRONLY | O_APPEND, 0600);
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, work, (void *)(intptr_t)i), 0);
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
	f = fopen("log", "r");
	CHECK(f);
	for (i = 0; i < THREADS * LINES; i++) {
		CHECK_EQ(fscanf(f, "%d thread %d\n", &number, &id), 2);
		CHECK_EQ(number, i);
		CHECK(id >= 0 && id < THREADS);
		per_thread[id]++;
	}
	CHECK(feof(f));
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(per_thread[i], LINES);
	printf("%d\n", serial);
	return done();
}
