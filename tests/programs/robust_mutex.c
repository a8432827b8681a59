/* SPDX-License-Identifier: MIT */
/* cc: -pthread */
/*
 * Robust mutexes whose owner ends without unlocking, as a process that exits or is killed and as a
 * thread: whoever has the mutex next, waiting for it or coming later, learns of that.
 */
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

enum { ROUNDS = 24 };

struct shared {
	pthread_mutex_t mutex;
	int value;
};

static struct shared *s;

static void own(int out)
{
	CHECK_EQ(pthread_mutex_lock(&s->mutex), 0);
	s->value++;
	CHECK_EQ(write(out, "x", 1), 1);
}

static void inherit(int value)
{
	CHECK_EQ(pthread_mutex_lock(&s->mutex), EOWNERDEAD);
	CHECK_EQ(s->value, value);
	CHECK_EQ(pthread_mutex_consistent(&s->mutex), 0);
	CHECK_EQ(pthread_mutex_unlock(&s->mutex), 0);
}

static void process_ends(int round)
{
	int out[2], status, how = round % 3;
	pid_t owner, heir = 0;
	char byte;

	CHECK_EQ(pipe(out), 0);
	owner = fork();
	CHECK(owner >= 0);
	if (owner == 0) {
		own(out[1]);
		if (how == 0)
			_exit(0);
		for (;;)
			pause();
	}
	CHECK_EQ(read(out[0], &byte, 1), 1);
	if (round % 2) {
		heir = fork();
		CHECK(heir >= 0);
		if (heir == 0) {
			CHECK_EQ(write(out[1], "x", 1), 1);
			inherit(round + 1);
			_exit(0);
		}
		CHECK_EQ(read(out[0], &byte, 1), 1);
	}
	if (how) {
		CHECK_EQ(pthread_mutex_trylock(&s->mutex), EBUSY);
		CHECK_EQ(kill(owner, how == 1 ? SIGKILL : SIGTERM), 0);
	}
	if (heir)
		CHECK_EXIT(heir, 0);
	else
		inherit(round + 1);
	CHECK_EQ(waitpid(owner, &status, 0), owner);
	CHECK_EQ(close(out[0]), 0);
	CHECK_EQ(close(out[1]), 0);
}

static void *thread(void *unused)
{
	CHECK_EQ(pthread_mutex_lock(&s->mutex), 0);
	s->value++;
	return unused;
}

static void thread_ends(int round)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, thread, NULL), 0);
	if (round % 2) {
		CHECK_EQ(pthread_join(t, NULL), 0);
		inherit(round + 1);
		return;
	}
	for (;;) {
		int error = pthread_mutex_lock(&s->mutex);

		if (error == EOWNERDEAD)
			break;
		CHECK_EQ(error, 0); /* sooner than the thread */
		CHECK_EQ(pthread_mutex_unlock(&s->mutex), 0);
		pause_ms(1);
	}
	CHECK_EQ(pthread_mutex_consistent(&s->mutex), 0);
	CHECK_EQ(pthread_mutex_unlock(&s->mutex), 0);
	CHECK_EQ(s->value, round + 1);
	CHECK_EQ(pthread_join(t, NULL), 0);
}

int main(void)
{
	pthread_mutexattr_t a;

	s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(s != MAP_FAILED);
	CHECK_EQ(pthread_mutexattr_init(&a), 0);
	CHECK_EQ(pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED), 0);
	CHECK_EQ(pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST), 0);
	CHECK_EQ(pthread_mutex_init(&s->mutex, &a), 0);
	for (int round = 0; round < ROUNDS; round++)
		process_ends(round);
	for (int round = ROUNDS; round < ROUNDS + 10; round++)
		thread_ends(round);
	return done();
}
