/* SPDX-License-Identifier: MIT */
/*
 * Signals for threads that compute and make no calls: loops that a handler ends, by a flag or by a
 * jump; what the program computes meanwhile isn't disturbed.
 */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <sys/time.h>

static volatile sig_atomic_t signals;
static sigjmp_buf out;

static void count(int signal)
{
	(void)signal;
	signals++;
}

/* Calls of its own, one of them behind the other. */
static void tell(int signal)
{
	int saved = errno;

	CHECK_EQ(dprintf(2, "signal %d\n", signal), 10);
	CHECK(getppid() > 0);
	errno = saved;
	signals++;
}

static int seen_by[2];

static void report(int signal)
{
	(void)signal;
	signals++;
	CHECK_EQ(write(seen_by[1], "s", 1), 1);
}

static void jump(int signal)
{
	siglongjmp(out, signal);
}

static void handle(int signal, void (*handler)(int))
{
	struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART};

	CHECK_EQ(sigaction(signal, &sa, NULL), 0);
}

static void timer(int which, long first_ms, long every_ms)
{
	struct itimerval it = {{0, every_ms * 1000}, {0, first_ms * 1000}};

	CHECK_EQ(setitimer(which, &it, NULL), 0);
}

static void flag(void)
{
	signals = 0;
	handle(SIGALRM, tell);
	timer(ITIMER_REAL, 20, 0);
	while (!signals)
		;
	CHECK_EQ(signals, 1);
	timer(ITIMER_REAL, 10, 10);
	while (signals < 3)
		;
	timer(ITIMER_REAL, 0, 0);
	signals = 0;
	handle(SIGVTALRM, tell);
	timer(ITIMER_VIRTUAL, 10, 0);
	while (!signals)
		sched_yield();
	CHECK_EQ(signals, 1);
}

static void leave(void)
{
	handle(SIGALRM, jump);
	for (volatile int i = 0; i < 2; i++) {
		if (sigsetjmp(out, 1) == 0) {
			timer(ITIMER_REAL, 10, 0);
			for (;;)
				;
		}
	}
}

/* The same value however often it is interrupted, in all kinds of registers. */
static void undisturbed(void)
{
	uint64_t n = 1, sum = 0;
	double x = 1, y = 0;

	handle(SIGALRM, count);
	timer(ITIMER_REAL, 5, 5);
	for (int i = 0; i < 10000000; i++) {
		n = n * 6364136223846793005ull + 1442695040888963407ull;
		sum ^= n >> 7;
		x = x * 0.999999 + 1e-7 * (double)(i & 7);
		y += x;
	}
	timer(ITIMER_REAL, 0, 0);
	printf("%016llx %.17g %.17g\n", (unsigned long long)sum, x, y);
}

static void compute_shortly(void)
{
	for (volatile int i = 0; i < 1000000; i++)
		;
}

/* Signals that waited for a call come there, however late a variant is when it hears of them. */
static void boundaries(void)
{
	int nowhere = open("/dev/null", O_WRONLY);

	CHECK(nowhere >= 0);
	handle(SIGALRM, count);
	timer(ITIMER_REAL, 5, 5);
	for (int i = 0; i < 60; i++) {
		int seen[2];

		compute_shortly();
		seen[0] = signals;
		compute_shortly();
		seen[1] = signals;
		CHECK_EQ(write(nowhere, seen, sizeof(seen)), sizeof(seen));
	}
	timer(ITIMER_REAL, 0, 0);
	CHECK_EQ(close(nowhere), 0);
}

static _Atomic int stop;
static sem_t ready; /* a flag would be set in the segment that computes, at no time in particular */

static void *compute(void *arg)
{
	sigset_t set;
	volatile int *seen = arg;

	CHECK_EQ(sigemptyset(&set), 0);
	CHECK_EQ(sigaddset(&set, SIGUSR1), 0);
	CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &set, NULL), 0);
	CHECK_EQ(sem_post(&ready), 0);
	while (signals < 3)
		;
	*seen = 1;
	return NULL;
}

static void *work(void *arg)
{
	int nowhere = open("/dev/null", O_WRONLY);

	CHECK(nowhere >= 0);
	while (!atomic_load(&stop))
		CHECK_EQ(write(nowhere, "x", 1), 1);
	CHECK_EQ(close(nowhere), 0);
	return arg;
}

static void threads(void)
{
	pthread_t computes, works[2];
	volatile int seen = 0;
	sigset_t set;
	char byte;

	signals = 0;
	CHECK_EQ(pipe(seen_by), 0);
	CHECK_EQ(sem_init(&ready, 0, 0), 0);
	handle(SIGUSR1, report);
	CHECK_EQ(sigemptyset(&set), 0);
	CHECK_EQ(sigaddset(&set, SIGUSR1), 0);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&works[i], NULL, work, NULL), 0);
	CHECK_EQ(pthread_create(&computes, NULL, compute, (void *)&seen), 0);
	CHECK_EQ(sem_wait(&ready), 0);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(pthread_kill(computes, SIGUSR1), 0);
		CHECK_EQ(read(seen_by[0], &byte, 1), 1);
	}
	CHECK_EQ(pthread_join(computes, NULL), 0);
	CHECK_EQ(seen, 1);
	atomic_store(&stop, 1);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(works[i], NULL), 0);
}

static void child(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		flag();
		_exit(7);
	}
	CHECK_EXIT(pid, 7);
}

int main(void)
{
	flag();
	leave();
	undisturbed();
	boundaries();
	child();
	threads();
	return done();
}
