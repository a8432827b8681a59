/* SPDX-License-Identifier: MIT */
/* Semaphores: between threads, with a time limit, a named one shared with a child. */
#include "check.h"
#include <pthread.h>
#include <semaphore.h>

static sem_t ping, pong;
static int turns;

static void *player(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 500; i++) {
		CHECK_EQ(sem_wait(&ping), 0);
		turns++;
		CHECK_EQ(sem_post(&pong), 0);
	}
	return NULL;
}

int main(void)
{
	struct timespec past = {1, 0};
	char name[64];
	pthread_t t;
	sem_t *named;
	pid_t pid;
	int i, v;

	CHECK_EQ(sem_init(&ping, 0, 0), 0);
	CHECK_EQ(sem_init(&pong, 0, 0), 0);
	CHECK_EQ(pthread_create(&t, NULL, player, NULL), 0);
	for (i = 0; i < 500; i++) {
		CHECK_EQ(sem_post(&ping), 0);
		CHECK_EQ(sem_wait(&pong), 0);
		CHECK_EQ(turns, i + 1);
	}
	CHECK_EQ(pthread_join(t, NULL), 0);
	CHECK_ERR(sem_trywait(&ping), EAGAIN);
	CHECK_ERR(sem_timedwait(&ping, &past), ETIMEDOUT);
	CHECK_EQ(sem_getvalue(&pong, &v), 0);
	CHECK_EQ(v, 0);

	snprintf(name, sizeof(name), "/program-test-%d", getpid());
	named = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
	CHECK(named != SEM_FAILED);
	CHECK_EQ(sem_unlink(name), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQ(sem_post(named), 0);
		_exit(0);
	}
	CHECK_EQ(sem_wait(named), 0);
	CHECK_EXIT(pid, 0);
	CHECK_EQ(sem_close(named), 0);
	return done();
}
