/* SPDX-License-Identifier: MIT */
/*
 * Threads: the order in which locks are acquired. The stream orders calls only;
 * if twins' threads won a mutex in another order than the leader's, they would
 * make other calls, or wait for each other's turn for ever. So an acquisition
 * by a thread of a process with several is a record (RECORD_SYNC) of its own,
 * appended while the lock is held; a follower's thread waits for its record,
 * and then gets the lock as soon as the one before has released it.
 *
 * These functions stand in front of libpthread's by symbol. They run as part of
 * the program, on its stack. What a program builds of atomics itself isn't seen.
 */
#include "locks.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>

#include "order.h"

extern void *dlsym(void *handle, const char *name);
#define NEXT ((void *)-1l) /* RTLD_NEXT */

void *libc_symbol(const char *name)
{
	void *p = dlsym(NEXT, name);

	if (!p)
		stop_internal(name, -ENOENT);
	return p;
}

/*
 * An acquisition: the leader's as it comes; a follower's when it is its turn, by
 * `lock`, which waits for the holder before.
 */
#define ACQUIRE(name, lock, ...)                                                                   \
	do {                                                                                       \
		int result_;                                                                       \
                                                                                                   \
		if (!ordered())                                                                    \
			return REAL(name)(__VA_ARGS__);                                            \
		if (leads())                                                                       \
			return said(REAL(name)(__VA_ARGS__));                                      \
		result_ = heard();                                                                 \
		if (result_ == 0 || result_ == EOWNERDEAD)                                         \
			result_ = lock;                                                            \
		return result_;                                                                    \
	} while (0)

PUBLIC int pthread_mutex_lock(pthread_mutex_t *m)
{
	ACQUIRE(pthread_mutex_lock, REAL(pthread_mutex_lock)(m), m);
}

PUBLIC int pthread_mutex_trylock(pthread_mutex_t *m)
{
	ACQUIRE(pthread_mutex_trylock, REAL(pthread_mutex_lock)(m), m);
}

PUBLIC int pthread_mutex_timedlock(pthread_mutex_t *restrict m, const struct timespec *restrict at)
{
	ACQUIRE(pthread_mutex_timedlock, REAL(pthread_mutex_lock)(m), m, at);
}

PUBLIC int pthread_mutex_clocklock(pthread_mutex_t *restrict m, clockid_t clock,
				   const struct timespec *restrict at)
{
	ACQUIRE(pthread_mutex_clocklock, REAL(pthread_mutex_lock)(m), m, clock, at);
}

PUBLIC int pthread_rwlock_rdlock(pthread_rwlock_t *l)
{
	ACQUIRE(pthread_rwlock_rdlock, REAL(pthread_rwlock_rdlock)(l), l);
}

PUBLIC int pthread_rwlock_tryrdlock(pthread_rwlock_t *l)
{
	ACQUIRE(pthread_rwlock_tryrdlock, REAL(pthread_rwlock_rdlock)(l), l);
}

PUBLIC int pthread_rwlock_timedrdlock(pthread_rwlock_t *restrict l,
				      const struct timespec *restrict at)
{
	ACQUIRE(pthread_rwlock_timedrdlock, REAL(pthread_rwlock_rdlock)(l), l, at);
}

PUBLIC int pthread_rwlock_wrlock(pthread_rwlock_t *l)
{
	ACQUIRE(pthread_rwlock_wrlock, REAL(pthread_rwlock_wrlock)(l), l);
}

PUBLIC int pthread_rwlock_trywrlock(pthread_rwlock_t *l)
{
	ACQUIRE(pthread_rwlock_trywrlock, REAL(pthread_rwlock_wrlock)(l), l);
}

PUBLIC int pthread_rwlock_timedwrlock(pthread_rwlock_t *restrict l,
				      const struct timespec *restrict at)
{
	ACQUIRE(pthread_rwlock_timedwrlock, REAL(pthread_rwlock_wrlock)(l), l, at);
}

PUBLIC int pthread_spin_lock(pthread_spinlock_t *l)
{
	ACQUIRE(pthread_spin_lock, REAL(pthread_spin_lock)(l), l);
}

PUBLIC int pthread_spin_trylock(pthread_spinlock_t *l)
{
	ACQUIRE(pthread_spin_trylock, REAL(pthread_spin_lock)(l), l);
}

PUBLIC int pthread_barrier_wait(pthread_barrier_t *b)
{
	int result;

	if (!ordered())
		return REAL(pthread_barrier_wait)(b);
	if (leads())
		return said(REAL(pthread_barrier_wait)(b));
	REAL(pthread_barrier_wait)(b);
	result = heard();
	return result;
}

/*
 * A wait for a condition ends when the leader's has ended; in between the mutex is free, and
 * a follower needs no condition at all: the leader's record is the signal.
 */
#define CONDITION(name, ...)                                                                       \
	do {                                                                                       \
		int result_;                                                                       \
                                                                                                   \
		if (!ordered())                                                                    \
			return REAL(name)(__VA_ARGS__);                                            \
		if (leads())                                                                       \
			return said(REAL(name)(__VA_ARGS__));                                      \
		REAL(pthread_mutex_unlock)(m);                                                     \
		result_ = heard();                                                                 \
		REAL(pthread_mutex_lock)(m);                                                       \
		return result_;                                                                    \
	} while (0)

PUBLIC int pthread_cond_wait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m)
{
	CONDITION(pthread_cond_wait, c, m);
}

PUBLIC int pthread_cond_timedwait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m,
				  const struct timespec *restrict at)
{
	CONDITION(pthread_cond_timedwait, c, m, at);
}

PUBLIC int pthread_cond_clockwait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m,
				  clockid_t clock, const struct timespec *restrict at)
{
	CONDITION(pthread_cond_clockwait, c, m, clock, at);
}

/* Semaphores say why they failed in errno. */
static int semaphore_said(int result)
{
	int error = *__errno_location();

	said(result ? error : 0);
	*__errno_location() = error;
	return result;
}

static int semaphore_heard(sem_t *s)
{
	int error = heard();

	if (!error)
		return REAL(sem_wait)(s);
	*__errno_location() = error;
	return -1;
}

#define SEMAPHORE(name, ...)                                                                       \
	do {                                                                                       \
		if (!ordered())                                                                    \
			return REAL(name)(__VA_ARGS__);                                            \
		if (leads())                                                                       \
			return semaphore_said(REAL(name)(__VA_ARGS__));                            \
		return semaphore_heard(s);                                                         \
	} while (0)

PUBLIC int sem_wait(sem_t *s)
{
	SEMAPHORE(sem_wait, s);
}

PUBLIC int sem_trywait(sem_t *s)
{
	SEMAPHORE(sem_trywait, s);
}

PUBLIC int sem_timedwait(sem_t *restrict s, const struct timespec *restrict at)
{
	SEMAPHORE(sem_timedwait, s, at);
}

PUBLIC int sem_clockwait(sem_t *restrict s, clockid_t clock, const struct timespec *restrict at)
{
	SEMAPHORE(sem_clockwait, s, clock, at);
}
