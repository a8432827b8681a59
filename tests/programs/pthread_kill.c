/* SPDX-License-Identifier: MIT */
/* pthread_kill: the handler runs in the thread that was meant; a thread's own signal mask. */
#include "check.h"
#include <pthread.h>
#include <semaphore.h>

static sem_t ready, hit;
static volatile pid_t ran_in;

static void handler(int sig)
{
	(void)sig;
	ran_in = gettid();
	sem_post(&hit);
}

static void *work(void *arg)
{
	sigset_t set;
	int sig;

	*(pid_t *)arg = gettid();
	CHECK_EQ(sem_post(&ready), 0);
	while (ran_in == 0)
		pause_ms(1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQ(sem_post(&ready), 0);
	CHECK_EQ(sigwait(&set, &sig), 0);
	CHECK_EQ(sig, SIGUSR2);
	return NULL;
}

static void *wake(void *first)
{
	struct sched_param param;
	cpu_set_t set;
	int policy;

	/* libc remembers the first thread's id from before main. */
	CHECK_EQ(pthread_getschedparam(*(pthread_t *)first, &policy, &param), 0);
	CHECK_EQ(pthread_getaffinity_np(*(pthread_t *)first, sizeof(set), &set), 0);
	ran_in = 0;
	CHECK_EQ(pthread_kill(*(pthread_t *)first, SIGUSR1), 0);
	return NULL;
}

static void to_first(void)
{
	pthread_t first = pthread_self(), t;

	CHECK_EQ(pthread_create(&t, NULL, wake, &first), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
	while (ran_in == 0)
		pause_ms(1);
	CHECK_EQ(ran_in, getpid());
}

int main(void)
{
	struct sigaction sa = {.sa_handler = handler};
	pid_t tid = 0;
	pthread_t t;

	CHECK_EQ(sem_init(&ready, 0, 0), 0);
	CHECK_EQ(sem_init(&hit, 0, 0), 0);
	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	CHECK_EQ(pthread_create(&t, NULL, work, &tid), 0);
	CHECK_EQ(sem_wait(&ready), 0);
	CHECK_EQ(pthread_kill(t, SIGUSR1), 0);
	while (sem_wait(&hit) < 0)
		CHECK_EQ(errno, EINTR);
	CHECK_EQ(ran_in, tid);
	CHECK_EQ(sem_wait(&ready), 0);
	CHECK_EQ(pthread_kill(t, 0), 0);
	CHECK_EQ(pthread_kill(t, SIGUSR2), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
	CHECK_EQ(pthread_kill(pthread_self(), SIGUSR1), 0);
	CHECK_EQ(ran_in, getpid());
	to_first();
	return done();
}
