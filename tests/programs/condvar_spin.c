/* SPDX-License-Identifier: MIT */
/*
 * Workers that are told of tasks by a condition, and tell of their ends by a list behind a spin
 * lock of the program's own and an eventfd: what the main thread finds in the list, and when,
 * shows in its calls.
 */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

enum { WORKERS = 8, TASKS = 1000, TOGETHER = 24 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static int tasks[TASKS], first, last, ended[TASKS], ends;
static atomic_flag spin = ATOMIC_FLAG_INIT;
static int news, zero, nowhere;

static void spin_lock(void)
{
	while (atomic_flag_test_and_set_explicit(&spin, memory_order_acquire))
		sched_yield();
}

static void spin_unlock(void)
{
	atomic_flag_clear_explicit(&spin, memory_order_release);
}

static void *work(void *unused)
{
	char bytes[32768];

	for (;;) {
		uint64_t one = 1;
		int task;

		pthread_mutex_lock(&lock);
		while (first == last)
			pthread_cond_wait(&more, &lock);
		task = tasks[first++];
		pthread_mutex_unlock(&lock);
		if (task < 0)
			return unused;
		CHECK_EQ(pread(zero, bytes, sizeof(bytes), task), sizeof(bytes));
		spin_lock();
		ended[ends++] = task;
		spin_unlock();
		CHECK_EQ(write(news, &one, sizeof(one)), sizeof(one));
	}
}

static void post(int task)
{
	CHECK_EQ(pthread_mutex_lock(&lock), 0);
	tasks[last++] = task;
	CHECK_EQ(pthread_cond_signal(&more), 0);
	CHECK_EQ(pthread_mutex_unlock(&lock), 0);
}

static int seen(void)
{
	int upto;

	spin_lock();
	upto = ends;
	spin_unlock();
	return upto;
}

int main(void)
{
	pthread_t worker[WORKERS];
	int taken = 0, posted = 0;

	news = eventfd(0, 0);
	nowhere = open("/dev/null", O_WRONLY);
	zero = open("/dev/zero", O_RDONLY);
	CHECK(news >= 0 && nowhere >= 0 && zero >= 0);
	for (int i = 0; i < WORKERS; i++)
		CHECK_EQ(pthread_create(&worker[i], NULL, work, NULL), 0);
	while (posted < TOGETHER)
		post(posted++);
	while (taken < TASKS - WORKERS) {
		uint64_t some;

		CHECK_EQ(read(news, &some, sizeof(some)), sizeof(some));
		while (taken < seen()) {
			int task = ended[taken++];

			CHECK_EQ(pwrite(nowhere, &task, sizeof(task), task), sizeof(task));
			if (posted < TASKS - WORKERS)
				post(posted++);
		}
	}
	for (int i = 0; i < WORKERS; i++)
		post(-1);
	for (int i = 0; i < WORKERS; i++)
		CHECK_EQ(pthread_join(worker[i], NULL), 0);
	return done();
}
