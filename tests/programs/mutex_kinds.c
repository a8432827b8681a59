/* SPDX-License-Identifier: MIT */
/*
 * Mutexes of every kind in threads: recursive, error-checking, adaptive, robust ones whose owners
 * end, with priority inheritance, spin locks, and locks whose time runs out. Each line says who did
 * what.
 */
#include "check.h"
#include <pthread.h>
#include <stdbool.h>
#include <sys/mman.h>

enum { THREADS = 4, ROUNDS = 40 };

static int fd, serial;
static pthread_mutex_t recursive, checking, adaptive, robust, inherit, robust_inherit;
static pthread_spinlock_t spin;

static void line(const char *what, int who, int result)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%04d %s %d %d\n", serial++, what, who, result);

	CHECK_EQ(write(fd, text, n), n);
}

static void *recurse(void *arg)
{
	int who = (int)(intptr_t)arg;

	for (int i = 0; i < ROUNDS; i++) {
		CHECK_EQ(pthread_mutex_lock(&recursive), 0);
		CHECK_EQ(pthread_mutex_lock(&recursive), 0);
		CHECK_EQ(pthread_mutex_trylock(&recursive), 0);
		line("recursive", who, i);
		CHECK_EQ(pthread_mutex_unlock(&recursive), 0);
		CHECK_EQ(pthread_mutex_unlock(&recursive), 0);
		CHECK_EQ(pthread_mutex_unlock(&recursive), 0);
	}
	return NULL;
}

static void *check(void *arg)
{
	int who = (int)(intptr_t)arg;

	for (int i = 0; i < ROUNDS; i++) {
		CHECK_EQ(pthread_mutex_lock(&checking), 0);
		CHECK_EQ(pthread_mutex_lock(&checking), EDEADLK);
		line("checking", who, i);
		CHECK_EQ(pthread_mutex_unlock(&checking), 0);
	}
	return NULL;
}

static void *mixed(void *arg)
{
	int who = (int)(intptr_t)arg;

	for (int i = 0; i < ROUNDS; i++) {
		CHECK_EQ(pthread_mutex_lock(&inherit), 0);
		CHECK_EQ(pthread_mutex_lock(&adaptive), 0);
		CHECK_EQ(pthread_spin_lock(&spin), 0);
		line("mixed", who, i);
		CHECK_EQ(pthread_spin_unlock(&spin), 0);
		CHECK_EQ(pthread_mutex_unlock(&adaptive), 0);
		CHECK_EQ(pthread_mutex_unlock(&inherit), 0);
	}
	return NULL;
}

/* Has it for so long that others wait in the kernel. */
static void *hold(void *arg)
{
	int who = (int)(intptr_t)arg;

	for (int i = 0; i < 5; i++) {
		CHECK_EQ(pthread_mutex_lock(&inherit), 0);
		line("holds", who, i);
		for (volatile int n = 0; n < 8000000;)
			n++;
		CHECK_EQ(pthread_mutex_unlock(&inherit), 0);
	}
	return NULL;
}

static void *try(void *arg)
{
	int who = (int)(intptr_t)arg, got = 0;

	for (int i = 0; i < ROUNDS; i++) {
		int result = pthread_mutex_trylock(&inherit);

		CHECK(result == 0 || result == EBUSY);
		if (result == 0) {
			got++;
			line("try", who, i);
			CHECK_EQ(pthread_mutex_unlock(&inherit), 0);
		}
		if (pthread_spin_trylock(&spin) == 0) {
			got++;
			line("spin", who, i);
			CHECK_EQ(pthread_spin_unlock(&spin), 0);
		}
	}
	disclose(&got, sizeof(got));
	return NULL;
}

/* Ends as the owner. */
static void *die(void *mutex)
{
	int result = pthread_mutex_lock(mutex);

	CHECK(result == 0 || result == EOWNERDEAD);
	if (result)
		CHECK_EQ(pthread_mutex_consistent(mutex), 0);
	line("dies", 0, result);
	return NULL;
}

static struct timespec soon(clockid_t clock, long ms)
{
	struct timespec at;

	CHECK_EQ(clock_gettime(clock, &at), 0);
	at.tv_nsec += ms * 1000000;
	at.tv_sec += at.tv_nsec / 1000000000;
	at.tv_nsec %= 1000000000;
	return at;
}

static void *late(void *arg)
{
	struct timespec at = soon(CLOCK_REALTIME, 5);

	(void)arg;
	CHECK_EQ(pthread_mutex_timedlock(&checking, &at), ETIMEDOUT);
	at = soon(CLOCK_MONOTONIC, 5);
	CHECK_EQ(pthread_mutex_clocklock(&checking, CLOCK_MONOTONIC, &at), ETIMEDOUT);
	at = soon(CLOCK_REALTIME, 5);
	CHECK_EQ(pthread_mutex_timedlock(&inherit, &at), ETIMEDOUT);
	return NULL;
}

static void make(pthread_mutex_t *m, int type, int owner, int protocol)
{
	pthread_mutexattr_t a;

	CHECK_EQ(pthread_mutexattr_init(&a), 0);
	CHECK_EQ(pthread_mutexattr_settype(&a, type), 0);
	CHECK_EQ(pthread_mutexattr_setrobust(&a, owner), 0);
	CHECK_EQ(pthread_mutexattr_setprotocol(&a, protocol), 0);
	CHECK_EQ(pthread_mutexattr_setpshared(&a, owner == PTHREAD_MUTEX_ROBUST), 0);
	CHECK_EQ(pthread_mutex_init(m, &a), 0);
	CHECK_EQ(pthread_mutexattr_destroy(&a), 0);
}

static void run(void *(*work)(void *), int threads)
{
	pthread_t thread[THREADS];

	for (int i = 0; i < threads; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, work, (void *)(intptr_t)i), 0);
	for (int i = 0; i < threads; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
}

static void ends(pthread_mutex_t *m)
{
	pthread_t thread[THREADS];

	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, die, m), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	CHECK_EQ(pthread_mutex_trylock(m), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_unlock(m), 0);
	CHECK_EQ(pthread_mutex_lock(m), ENOTRECOVERABLE);
	CHECK_EQ(pthread_mutex_destroy(m), 0);
}

/* Shared with a child that is killed, or exits, as the owner. */
static void ends_elsewhere(bool exits)
{
	pthread_mutex_t *m =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int p[2], status;
	char byte;
	pid_t child;

	CHECK(m != MAP_FAILED);
	make(m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);
	CHECK_EQ(pipe(p), 0);
	child = fork();
	CHECK(child >= 0);
	if (!child) {
		CHECK_EQ(pthread_mutex_lock(m), 0);
		CHECK_EQ(write(p[1], "x", 1), 1);
		if (exits)
			_exit(0);
		for (;;)
			pause();
	}
	CHECK_EQ(read(p[0], &byte, 1), 1);
	if (!exits)
		CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(pthread_mutex_lock(m), EOWNERDEAD);
	line("killed", 0, exits);
	CHECK_EQ(pthread_mutex_consistent(m), 0);
	CHECK_EQ(pthread_mutex_unlock(m), 0);
	CHECK_EQ(munmap(m, 4096), 0);
}

int main(void)
{
	pthread_t both[2];

	enter_scratch();
	fd = open("log", O_CREAT | O_WRONLY | O_APPEND, 0600);
	CHECK(fd >= 0);
	make(&recursive, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
	make(&checking, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
	make(&adaptive, PTHREAD_MUTEX_ADAPTIVE_NP, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
	make(&robust, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);
	make(&inherit, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT);
	make(&robust_inherit, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_INHERIT);
	CHECK_EQ(pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE), 0);
	run(recurse, THREADS);
	run(check, THREADS);
	run(mixed, THREADS);
	run(hold, THREADS);
	CHECK_EQ(pthread_create(&both[0], NULL, try, NULL), 0);
	CHECK_EQ(pthread_create(&both[1], NULL, mixed, NULL), 0);
	CHECK_EQ(pthread_join(both[0], NULL), 0);
	CHECK_EQ(pthread_join(both[1], NULL), 0);
	ends(&robust);
	ends(&robust_inherit);
	ends_elsewhere(false);
	ends_elsewhere(true);
	CHECK_EQ(pthread_mutex_lock(&checking), 0);
	CHECK_EQ(pthread_mutex_lock(&inherit), 0);
	run(late, THREADS);
	CHECK_EQ(pthread_mutex_unlock(&inherit), 0);
	CHECK_EQ(pthread_mutex_unlock(&checking), 0);
	CHECK_EQ(pthread_mutex_unlock(&checking), EPERM);
	return done();
}
