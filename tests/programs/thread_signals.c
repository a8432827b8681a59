/* SPDX-License-Identifier: MIT */
/* Signals to threads: to one, to the process when only one lets it in, and by a timer to one. */
#include "check.h"

#include <pthread.h>
#include <sys/syscall.h>

#define THREADS 4

static pthread_barrier_t ready;
static __thread volatile int mine;
static volatile int by_process;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)context;
	CHECK(info->si_code == SI_TKILL || info->si_code == SI_USER || info->si_code == SI_TIMER);
	if (sig == SIGUSR2)
		by_process = gettid() != getpid();
	mine++;
}

static void wait_for(int count)
{
	while (mine < count)
		pause_ms(1);
}

static void *one(void *arg)
{
	long i = (long)arg;
	sigset_t set;

	if (i == 2) { /* the only one that lets SIGUSR2 in */
		sigemptyset(&set);
		sigaddset(&set, SIGUSR2);
		CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &set, NULL), 0);
	}
	pthread_barrier_wait(&ready);
	wait_for(i == 2 ? 2 : 1);
	if (i == 3) { /* a timer for this thread */
		struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
		struct itimerspec soon = {.it_value = {0, 1000000}};
		timer_t timer;

		ev._sigev_un._tid = gettid();
		CHECK_EQ(timer_create(CLOCK_MONOTONIC, &ev, &timer), 0);
		CHECK_EQ(timer_settime(timer, 0, &soon, NULL), 0);
		wait_for(2);
		CHECK_EQ(timer_delete(timer), 0);
	}
	return (void *)(long)mine;
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	pthread_t t[THREADS];
	sigset_t set;
	void *got;

	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	CHECK_EQ(sigaction(SIGUSR2, &sa, NULL), 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQ(pthread_barrier_init(&ready, NULL, THREADS + 1), 0);
	for (long i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, one, (void *)i), 0);
	pthread_barrier_wait(&ready);
	CHECK_EQ(kill(getpid(), SIGUSR2), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_kill(t[i], SIGUSR1), 0);
	for (int i = 0; i < THREADS; i++) {
		CHECK_EQ(pthread_join(t[i], &got), 0);
		CHECK_EQ((long)got, i < 2 ? 1 : 2);
	}
	CHECK_EQ(mine, 0);
	CHECK_EQ(by_process, 1);
	return done();
}
