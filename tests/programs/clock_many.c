/* SPDX-License-Identifier: MIT */
/* Very many reads of clocks, of every kind in turn, between calls, in threads, children and
 * handlers. */
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

#define THREADS 4

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t seen; /* of all that anybody has read, in order */
static volatile sig_atomic_t alarms;
static int nowhere;

static void mix(uint64_t *hash, int64_t value)
{
	*hash = (*hash ^ (uint64_t)value) * 0x100000001b3u;
}

static uint64_t reads(unsigned n)
{
	struct timespec ts, coarse;
	struct timeval tv;
	uint64_t hash = 1;
	unsigned i;

	for (i = 0; i < n; i++) {
		CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
		CHECK_EQ(clock_gettime(CLOCK_REALTIME_COARSE, &coarse), 0);
		CHECK_EQ(gettimeofday(&tv, NULL), 0);
		CHECK(ts.tv_nsec < 1000000000 && tv.tv_usec < 1000000);
		mix(&hash, ts.tv_nsec);
		mix(&hash, coarse.tv_nsec);
		mix(&hash, tv.tv_usec);
		mix(&hash, time(NULL));
	}
	return hash;
}

static void print(uint64_t hash)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%016llx\n", (unsigned long long)hash);

	/* Not to standard output, which has to be the same as in a native run. */
	CHECK_EQ(write(nowhere, text, (size_t)n), n);
}

static void *work(void *arg)
{
	int i;

	for (i = 0; i < 200; i++) {
		uint64_t own = reads((unsigned)i % 23);

		CHECK_EQ(pthread_mutex_lock(&mutex), 0);
		mix(&seen, (int64_t)own);
		mix(&seen, (int64_t)reads(1));
		CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
		if (i % 50 == 0)
			print(own);
	}
	return arg;
}

static void on_alarm(int signal)
{
	(void)signal;
	mix(&seen, (int64_t)reads(1));
	alarms++;
}

int main(void)
{
	struct itimerval every = {.it_interval.tv_usec = 2000, .it_value.tv_usec = 2000};
	struct timespec ts, before = {0};
	pthread_t t[THREADS];
	int i, status;
	pid_t pid;

	nowhere = open("/dev/null", O_WRONLY);
	CHECK(nowhere >= 0);
	for (i = 0; i < 300; i++) {
		uint64_t hash = reads((unsigned)i);

		if (i % 7 == 0)
			print(hash);
	}
	for (i = 0; i < 10000; i++) {
		CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
		CHECK(ts.tv_sec > before.tv_sec ||
		      (ts.tv_sec == before.tv_sec && ts.tv_nsec >= before.tv_nsec));
		before = ts;
	}
	CHECK_EQ(clock_gettime(99, &ts), -1);
	CHECK_EQ(errno, EINVAL);
	CHECK_EQ(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts), 0);

	/* A child starts in the middle of its parent's reads. */
	mix(&seen, (int64_t)reads(5));
	pid = fork();
	if (pid == 0) {
		print(reads(40));
		_exit(7);
	}
	print(reads(40));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(WEXITSTATUS(status), 7);

	/* A program that does nothing but look at the clock gets its signals. */
	signal(SIGALRM, on_alarm);
	CHECK_EQ(setitimer(ITIMER_REAL, &every, NULL), 0);
	while (alarms < 20)
		CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
	every = (struct itimerval){0};
	CHECK_EQ(setitimer(ITIMER_REAL, &every, NULL), 0);

	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, work, NULL), 0);
	mix(&seen, (int64_t)reads(100));
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
	print(seen);
	return done();
}
