/* SPDX-License-Identifier: MIT */
/*
 * Who initialises first: static variables of C++ functions (the guards of its run-time library),
 * pthread_once, and a once of futexes, raced for by threads. Every variant must have the same
 * winner, which the program's output depends on.
 */
#include "check.h"

#include <dlfcn.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#define THREADS 4
#define ROUNDS 100

static int (*guard_acquire)(uint64_t *guard);
static void (*guard_release)(uint64_t *guard);

static pthread_barrier_t barrier;
static _Thread_local int self;
static uint64_t guard[ROUNDS];
static pthread_once_t once[ROUNDS];
static _Atomic uint32_t word[ROUNDS]; /* 0, 1: under way, 2: done */
static int winner[3][ROUNDS];
static _Atomic int now;

static void initialise(void)
{
	winner[1][now] = 1 + self;
}

static void futex_once(int i)
{
	uint32_t seen = 0;

	if (atomic_compare_exchange_strong(&word[i], &seen, 1)) {
		winner[2][i] = 1 + self;
		atomic_store(&word[i], 2);
		syscall(SYS_futex, &word[i], FUTEX_WAKE_PRIVATE, THREADS, NULL, NULL, 0);
	}
	while (atomic_load(&word[i]) != 2)
		syscall(SYS_futex, &word[i], FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
}

static void *run(void *arg)
{
	self = (int)(intptr_t)arg;
	for (int i = 0; i < ROUNDS; i++) {
		if (self == 0)
			atomic_store(&now, i);
		pthread_barrier_wait(&barrier);
		if (guard_acquire && !atomic_load((_Atomic uint8_t *)&guard[i]) &&
		    guard_acquire(&guard[i])) {
			winner[0][i] = 1 + self;
			guard_release(&guard[i]);
		}
		pthread_once(&once[i], initialise);
		futex_once(i);
		CHECK(winner[1][i] && winner[2][i]);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

int main(void)
{
	void *library = dlopen("libstdc++.so.6", RTLD_NOW);
	pthread_t thread[THREADS];
	int out;

	if (library) {
		*(void **)&guard_acquire = dlsym(library, "__cxa_guard_acquire");
		*(void **)&guard_release = dlsym(library, "__cxa_guard_release");
		CHECK(guard_acquire && guard_release);
	}
	CHECK_EQ(pthread_barrier_init(&barrier, NULL, THREADS), 0);
	for (intptr_t i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, run, (void *)i), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	enter_scratch();
	out = open("winners", O_WRONLY | O_CREAT, 0600);
	CHECK_EQ(write(out, winner, sizeof(winner)), sizeof(winner));
	return done();
}
