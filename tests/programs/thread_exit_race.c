/* SPDX-License-Identifier: MIT */
/*
 * Threads that are the first to end by pthread_exit, at once: libc loads what unwinds stacks then,
 * and those that come too late unload it again.
 */
#include "check.h"
#include <pthread.h>
#include <sys/wait.h>

enum { PROCESSES = 20, THREADS = 4 };

static pthread_barrier_t barrier;

static void *leave(void *result)
{
	pthread_barrier_wait(&barrier);
	pthread_exit(result);
}

static int child(void)
{
	pthread_t thread[THREADS];

	CHECK(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(pthread_create(&thread[i], NULL, leave, (void *)i) == 0);
	for (uintptr_t i = 0; i < THREADS; i++) {
		void *result;

		CHECK(pthread_join(thread[i], &result) == 0);
		CHECK((uintptr_t)result == i);
	}
	return 0;
}

int main(void)
{
	for (int i = 0; i < PROCESSES; i++) {
		int status;
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0)
			_exit(child());
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(status == 0);
	}
	return 0;
}
