/* SPDX-License-Identifier: MIT */
/*
 * A pool of detached threads that is taken down one by one, as nginx does it: each is told by a
 * task to end, and clears a word of the stack of the one that waits, who only looks at it and
 * yields. Their stacks are more than libc keeps, so those of ended threads are unmapped meanwhile.
 * Then the process works on without threads.
 */
#include "check.h"
#include <pthread.h>
#include <sched.h>

enum { WORKERS = 24, ROUNDS = 3 };

struct task {
	void (*run)(void *);
	void *with;
	struct task *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static struct task *first, **last = &first;
static int nowhere;

static void *work(void *unused)
{
	for (;;) {
		struct task *task;

		CHECK_EQ(pthread_mutex_lock(&lock), 0);
		while (!first)
			CHECK_EQ(pthread_cond_wait(&more, &lock), 0);
		task = first;
		first = task->next;
		if (!first)
			last = &first;
		CHECK_EQ(pthread_mutex_unlock(&lock), 0);
		task->run(task->with);
	}
	return unused;
}

static void post(struct task *task)
{
	CHECK_EQ(pthread_mutex_lock(&lock), 0);
	task->next = NULL;
	CHECK_EQ(pthread_cond_signal(&more), 0);
	*last = task;
	last = &task->next;
	CHECK_EQ(pthread_mutex_unlock(&lock), 0);
}

static void end(void *with)
{
	*(volatile unsigned *)with = 0;
	pthread_exit(NULL);
}

int main(void)
{
	pthread_attr_t attributes;

	nowhere = open("/dev/null", O_WRONLY);
	CHECK(nowhere >= 0);
	CHECK_EQ(pthread_attr_init(&attributes), 0);
	CHECK_EQ(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED), 0);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < WORKERS; i++) {
			pthread_t thread;

			CHECK_EQ(pthread_create(&thread, &attributes, work, NULL), 0);
		}
		for (int i = 0; i < WORKERS; i++) {
			volatile unsigned waits = 1;
			struct task task = {.run = end, .with = (void *)&waits};

			post(&task);
			while (waits)
				sched_yield();
			CHECK_EQ(write(nowhere, &i, sizeof(i)), sizeof(i));
		}
	}
	return done();
}
