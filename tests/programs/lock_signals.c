/* SPDX-License-Identifier: MIT */
/*
 * Signals to threads that wait for locks, semaphores, conditions, barriers and joins: handlers run
 * in them, make calls and post semaphores, and the waits go on or end. Others take signals by
 * sigwaitinfo.
 */
#include "check.h"
#include <pthread.h>
#include <semaphore.h>

enum { KINDS = 6, SENT = 25 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, held = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t semaphore, handled, ready;
static pthread_t sleeper;
static int fd, over;

static void handler(int signal)
{
	char byte = (char)signal;

	CHECK_EQ(write(fd, &byte, 1), 1);
	CHECK_EQ(sem_post(&handled), 0);
}

static void *sleeps(void *arg)
{
	sem_t *end = arg;

	while (sem_wait(end))
		CHECK_EQ(errno, EINTR);
	return NULL;
}

static void *work(void *arg)
{
	CHECK_EQ(sem_post(&ready), 0);
	switch ((int)(intptr_t)arg) {
	case 0:
		CHECK_EQ(pthread_mutex_lock(&held), 0);
		CHECK_EQ(pthread_mutex_unlock(&held), 0);
		break;
	case 1:
		CHECK_EQ(pthread_rwlock_rdlock(&rwlock), 0);
		CHECK_EQ(pthread_rwlock_unlock(&rwlock), 0);
		break;
	case 2:
		CHECK_EQ(pthread_mutex_lock(&lock), 0);
		while (!over)
			CHECK_EQ(pthread_cond_wait(&condition, &lock), 0);
		CHECK_EQ(pthread_mutex_unlock(&lock), 0);
		break;
	case 3:
		while (sem_wait(&semaphore))
			CHECK_EQ(errno, EINTR);
		break;
	case 4:
		pthread_barrier_wait(&barrier);
		break;
	case 5:
		CHECK_EQ(pthread_join(sleeper, NULL), 0);
		break;
	}
	return NULL;
}

static void *takes(void *unused)
{
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	for (int i = 0; i < SENT; i++) {
		CHECK_EQ(sigwaitinfo(&set, &info), SIGRTMIN + 1);
		CHECK_EQ(write(fd, &info.si_value.sival_int, 1), 1);
		CHECK_EQ(sem_post(&handled), 0);
	}
	return unused;
}

int main(void)
{
	struct sigaction action = {.sa_handler = handler};
	pthread_t thread[KINDS], taker[2];
	sem_t end;
	sigset_t set;

	enter_scratch();
	fd = open("log", O_CREAT | O_WRONLY | O_APPEND, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	action.sa_flags = SA_RESTART;
	CHECK_EQ(sigaction(SIGUSR2, &action, NULL), 0);
	sem_init(&semaphore, 0, 0);
	sem_init(&handled, 0, 0);
	sem_init(&ready, 0, 0);
	sem_init(&end, 0, 0);
	CHECK_EQ(pthread_barrier_init(&barrier, NULL, 2), 0);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQ(pthread_mutex_lock(&held), 0);
	CHECK_EQ(pthread_rwlock_wrlock(&rwlock), 0);
	CHECK_EQ(pthread_create(&sleeper, NULL, sleeps, &end), 0);
	for (int i = 0; i < KINDS; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, work, (void *)(intptr_t)i), 0);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&taker[i], NULL, takes, NULL), 0);
	for (int i = 0; i < KINDS; i++)
		CHECK_EQ(sem_wait(&ready), 0);
	for (int i = 0; i < SENT; i++) {
		for (int k = 0; k < KINDS; k++)
			CHECK_EQ(pthread_kill(thread[k], (i + k) % 2 ? SIGUSR1 : SIGUSR2), 0);
		CHECK_EQ(pthread_sigqueue(taker[0], SIGRTMIN + 1, (union sigval){.sival_int = i}),
			 0);
		CHECK_EQ(pthread_sigqueue(taker[1], SIGRTMIN + 1, (union sigval){.sival_int = i}),
			 0);
		for (int k = 0; k < KINDS + 2; k++) {
			while (sem_wait(&handled))
				CHECK_EQ(errno, EINTR);
		}
	}
	CHECK_EQ(pthread_mutex_unlock(&held), 0);
	CHECK_EQ(pthread_rwlock_unlock(&rwlock), 0);
	CHECK_EQ(pthread_mutex_lock(&lock), 0);
	over = 1;
	CHECK_EQ(pthread_cond_broadcast(&condition), 0);
	CHECK_EQ(pthread_mutex_unlock(&lock), 0);
	CHECK_EQ(sem_post(&semaphore), 0);
	pthread_barrier_wait(&barrier);
	CHECK_EQ(sem_post(&end), 0);
	for (int i = 0; i < KINDS; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(taker[i], NULL), 0);
	return done();
}
