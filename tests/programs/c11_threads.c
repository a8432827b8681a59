/* SPDX-License-Identifier: MIT */
/* C11's threads: the order of mutexes, conditions, call_once and thrd_join shows in what is
 * written. */
#include "check.h"
#include <threads.h>

enum { THREADS = 4, ROUNDS = 60 };

static mtx_t lock;
static cnd_t filled;
static once_flag once = ONCE_FLAG_INIT;
static int firsts, serial, full, taken, fd;

static void first(void)
{
	firsts++;
	CHECK_EQ(dprintf(fd, "first\n"), 6);
}

static void line(const char *what, int who)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%04d %s %d\n", serial++, what, who);

	CHECK_EQ(write(fd, text, n), n);
}

static int fill(void *arg)
{
	int who = (int)(intptr_t)arg;

	call_once(&once, first);
	for (int i = 0; i < ROUNDS; i++) {
		if (i % 3 == 0 && mtx_trylock(&lock) != thrd_success)
			CHECK_EQ(mtx_lock(&lock), thrd_success);
		else if (i % 3)
			CHECK_EQ(mtx_lock(&lock), thrd_success);
		line("fills", who);
		full++;
		CHECK_EQ(i % 2 ? cnd_signal(&filled) : cnd_broadcast(&filled), thrd_success);
		CHECK_EQ(mtx_unlock(&lock), thrd_success);
	}
	return who + 100;
}

static int empty(void *arg)
{
	int who = (int)(intptr_t)arg;

	call_once(&once, first);
	CHECK_EQ(mtx_lock(&lock), thrd_success);
	for (;;) {
		while (!full)
			CHECK_EQ(cnd_wait(&filled, &lock), thrd_success);
		if (full < 0)
			break;
		full--;
		taken++;
		line("takes", who);
	}
	CHECK_EQ(mtx_unlock(&lock), thrd_success);
	return who + 100;
}

int main(void)
{
	struct timespec past = {1, 0};
	thrd_t filler[THREADS], taker[THREADS];
	int value;

	enter_scratch();
	fd = open("log", O_CREAT | O_WRONLY | O_APPEND, 0600);
	CHECK_EQ(mtx_init(&lock, mtx_timed), thrd_success);
	CHECK_EQ(cnd_init(&filled), thrd_success);
	for (int i = 0; i < THREADS; i++) {
		CHECK_EQ(thrd_create(&taker[i], empty, (void *)(intptr_t)i), thrd_success);
		CHECK_EQ(thrd_create(&filler[i], fill, (void *)(intptr_t)i), thrd_success);
	}
	for (int i = 0; i < THREADS; i++) {
		CHECK_EQ(thrd_join(filler[i], &value), thrd_success);
		CHECK_EQ(value, i + 100);
	}
	for (;;) {
		CHECK_EQ(mtx_lock(&lock), thrd_success);
		if (taken == THREADS * ROUNDS)
			break;
		CHECK_EQ(mtx_unlock(&lock), thrd_success);
		thrd_yield();
	}
	full = -1;
	CHECK_EQ(cnd_broadcast(&filled), thrd_success);
	CHECK_EQ(mtx_unlock(&lock), thrd_success);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(thrd_join(taker[i], NULL), thrd_success);
	CHECK_EQ(mtx_lock(&lock), thrd_success);
	CHECK_EQ(cnd_timedwait(&filled, &lock, &past), thrd_timedout);
	CHECK_EQ(firsts, 1);
	CHECK_EQ(serial, 2 * THREADS * ROUNDS);
	cnd_destroy(&filled);
	return done();
}
