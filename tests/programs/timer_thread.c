/* SPDX-License-Identifier: MIT */
/* timer_create with SIGEV_THREAD: the function runs in a thread of its own. */
#include "check.h"
#include <pthread.h>
#include <semaphore.h>

static sem_t ticks;
static volatile int value, other_thread;

static void expired(union sigval v)
{
	value = v.sival_int;
	other_thread = gettid() != getpid();
	sem_post(&ticks);
}

int main(void)
{
	struct sigevent ev = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = expired};
	struct itimerspec it = {{0, 5000000}, {0, 5000000}};
	timer_t t;
	int i;

	ev.sigev_value.sival_int = 99;
	CHECK_EQ(sem_init(&ticks, 0, 0), 0);
	CHECK_EQ(timer_create(CLOCK_MONOTONIC, &ev, &t), 0);
	CHECK_EQ(timer_settime(t, 0, &it, NULL), 0);
	for (i = 0; i < 3; i++)
		CHECK_EQ(sem_wait(&ticks), 0);
	CHECK_EQ(timer_delete(t), 0);
	CHECK_EQ(value, 99);
	CHECK_EQ(other_thread, 1);
	return done();
}
