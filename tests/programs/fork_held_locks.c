/* SPDX-License-Identifier: MIT */
/* Forks while other threads are in malloc and stdio; the children use both. */
#include "check.h"
#include <pthread.h>

enum { FORKS = 30 };

static _Atomic int stop;
static FILE *log_file;

static void *allocate(void *arg)
{
	unsigned n = (unsigned)(intptr_t)arg;

	while (!stop) {
		void *some[16];

		for (int i = 0; i < 16; i++)
			some[i] = malloc(64 + (n = n * 1103515245 + 12345) % 5000);
		for (int i = 0; i < 16; i++)
			free(some[i]);
		getppid();
	}
	return NULL;
}

static void *print(void *arg)
{
	for (int i = 0; !stop; i++) {
		fprintf(log_file, "thread %d line %d\n", (int)(intptr_t)arg, i);
		if (i % 50 == 0)
			fflush(log_file);
	}
	return NULL;
}

int main(void)
{
	pthread_t thread[4];

	enter_scratch();
	log_file = fopen("log", "w");
	CHECK(log_file);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, i % 2 ? allocate : print,
					(void *)(intptr_t)i),
			 0);
	for (int i = 0; i < FORKS; i++) {
		pid_t child = fork();

		CHECK(child >= 0);
		if (!child) {
			char *p = malloc(10000);
			FILE *own = fopen("child", "w");

			CHECK(p && own);
			fprintf(own, "child %d\n", i);
			CHECK_EQ(fclose(own), 0);
			free(p);
			_exit(7);
		}
		CHECK_EXIT(child, 7);
	}
	stop = 1;
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	CHECK_EQ(fclose(log_file), 0);
	return done();
}
