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

/* libc's, of old: what pthread_cleanup_push was before it became a macro. */
extern void _pthread_cleanup_push(struct _pthread_cleanup_buffer *, void (*)(void *), void *);
extern void _pthread_cleanup_pop(struct _pthread_cleanup_buffer *, int);

extern void *dlsym(void *handle, const char *name);
#define NEXT ((void *)-1l) /* RTLD_NEXT */

void *symbol_behind(const char *name)
{
	return dlsym(NEXT, name);
}

void *libc_symbol(const char *name)
{
	void *p = symbol_behind(name);

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
			return UNORDERED(REAL(name)(__VA_ARGS__));                                 \
		if (leads())                                                                       \
			return said(OWN(REAL(name)(__VA_ARGS__)));                                 \
		result_ = heard();                                                                 \
		if (result_ == 0 || result_ == EOWNERDEAD)                                         \
			result_ = lock;                                                            \
		acquired();                                                                        \
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
		return said(OWN(REAL(pthread_barrier_wait)(b)));
	REAL(pthread_barrier_wait)(b);
	result = heard();
	acquired();
	return result;
}

/* A thread's pthread_once under way; in an inner one's, the outer is kept on the stack. */
struct once {
	void (*routine)(void);
	bool won;
};

/* The first comes here: a record, so that the follower's first is the same thread. */
static void once_first(void)
{
	struct thread *t = thread_self();
	struct once *o = t->once;

	o->won = true;
	t->within = WITHIN_NOTHING;
	if (t->process->leader)
		said(1);
	else
		acquired(); /* libc has noted that it's under way: the others wait for us now */
	o->routine();
}

PUBLIC int pthread_once(pthread_once_t *control, void (*routine)(void))
{
	struct thread *t;
	struct once own = {.routine = routine}, *outer;

	if (!ordered())
		return REAL(pthread_once)(control, routine);
	t = thread_self();
	outer = t->once;
	t->once = &own;
	if (leads()) {
		OWN(REAL(pthread_once)(control, once_first));
		if (!own.won)
			said(0);
	} else if (heard()) {
		REAL(pthread_once)(control, once_first);
		if (!own.won)
			acquired();
	} else {
		acquired();
		REAL(pthread_once)(control, routine);
	}
	t->once = outer;
	return 0;
}

/*
 * A wait for a condition ends when the leader's has ended; in between the mutex is free, and
 * a follower needs no condition at all: the leader's record is the signal.
 *
 * The thread may also be cancelled in it. libc then takes the mutex again and runs the cleanups,
 * the innermost first: ours makes that acquisition a record. A follower's libc must take its wait
 * for a cancellation point, as the leader's does.
 */
static void cancelled_leader(void *unused)
{
	(void)unused;
	thread_self()->within = WITHIN_NOTHING;
	said(0);
}

static void cancelled_follower(void *m)
{
	heard();
	REAL(pthread_mutex_lock)(m);
	acquired();
}

static int condition_said(int (*wait)(void *), void *arguments)
{
	struct _pthread_cleanup_buffer cleanup;
	int result;

	REAL(_pthread_cleanup_push)(&cleanup, cancelled_leader, NULL);
	result = OWN(wait(arguments));
	REAL(_pthread_cleanup_pop)(&cleanup, 0);
	return said(result);
}

static int condition_heard(pthread_mutex_t *m)
{
	struct _pthread_cleanup_buffer cleanup;
	int type, result;

	REAL(pthread_mutex_unlock)(m);
	REAL(_pthread_cleanup_push)(&cleanup, cancelled_follower, m);
	REAL(pthread_setcanceltype)(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	result = heard();
	REAL(pthread_setcanceltype)(type, NULL);
	REAL(_pthread_cleanup_pop)(&cleanup, 0);
	REAL(pthread_mutex_lock)(m);
	acquired();
	return result;
}

struct condition {
	pthread_cond_t *c;
	pthread_mutex_t *m;
	clockid_t clock;
	const struct timespec *at;
};

#define CONDITION(call, ...)                                                                       \
	do {                                                                                       \
		struct condition w_ = {__VA_ARGS__};                                               \
                                                                                                   \
		if (!ordered())                                                                    \
			return UNORDERED(call(&w_));                                               \
		if (leads())                                                                       \
			return condition_said(call, &w_);                                          \
		return condition_heard(m);                                                         \
	} while (0)

static int cond_wait(void *arguments)
{
	struct condition *w = arguments;

	return REAL(pthread_cond_wait)(w->c, w->m);
}

static int cond_timedwait(void *arguments)
{
	struct condition *w = arguments;

	return REAL(pthread_cond_timedwait)(w->c, w->m, w->at);
}

static int cond_clockwait(void *arguments)
{
	struct condition *w = arguments;

	return REAL(pthread_cond_clockwait)(w->c, w->m, w->clock, w->at);
}

PUBLIC int pthread_cond_wait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m)
{
	CONDITION(cond_wait, .c = c, .m = m);
}

PUBLIC int pthread_cond_timedwait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m,
				  const struct timespec *restrict at)
{
	CONDITION(cond_timedwait, .c = c, .m = m, .at = at);
}

PUBLIC int pthread_cond_clockwait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m,
				  clockid_t clock, const struct timespec *restrict at)
{
	CONDITION(cond_clockwait, .c = c, .m = m, .clock = clock, .at = at);
}

/* Nothing that needs an order: a follower's condition has nobody who waits. */
#define SIGNAL(name)                                                                               \
	PUBLIC int name(pthread_cond_t *c)                                                         \
	{                                                                                          \
		if (!ordered() || !leads())                                                        \
			return REAL(name)(c);                                                      \
		return WITHIN(WITHIN_SIGNAL, REAL(name)(c));                                       \
	}
SIGNAL(pthread_cond_signal)
SIGNAL(pthread_cond_broadcast)
SIGNAL(pthread_cond_destroy)

/*
 * Semaphores say why they failed in errno: that is the record's result. A wait that is cancelled
 * has acquired nothing and makes no record.
 */
static void cancelled_semaphore(void *unused)
{
	struct thread *t = thread_self();

	(void)unused;
	t->within = WITHIN_NOTHING;
	segment_end(t);
	segment_resume(t);
}

static int semaphore_said(int (*wait)(void *), void *arguments)
{
	struct _pthread_cleanup_buffer cleanup;
	int error;

	REAL(_pthread_cleanup_push)(&cleanup, cancelled_semaphore, NULL);
	error = OWN(wait(arguments) ? *__errno_location() : 0);
	REAL(_pthread_cleanup_pop)(&cleanup, 0);
	said(error);
	if (!error)
		return 0;
	*__errno_location() = error;
	return -1;
}

static int semaphore_heard(sem_t *s)
{
	int type, error, result = -1;

	REAL(pthread_setcanceltype)(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	error = heard();
	REAL(pthread_setcanceltype)(type, NULL);
	if (!error)
		result = REAL(sem_wait)(s);
	acquired();
	if (error)
		*__errno_location() = error;
	return result;
}

struct semaphore {
	sem_t *s;
	clockid_t clock;
	const struct timespec *at;
};

#define SEMAPHORE(call, ...)                                                                       \
	do {                                                                                       \
		struct semaphore w_ = {__VA_ARGS__};                                               \
                                                                                                   \
		if (!ordered())                                                                    \
			return UNORDERED(call(&w_));                                               \
		if (leads())                                                                       \
			return semaphore_said(call, &w_);                                          \
		return semaphore_heard(s);                                                         \
	} while (0)

static int wait_for_ever(void *arguments)
{
	struct semaphore *w = arguments;

	return REAL(sem_wait)(w->s);
}

static int wait_not(void *arguments)
{
	struct semaphore *w = arguments;

	return REAL(sem_trywait)(w->s);
}

static int wait_until(void *arguments)
{
	struct semaphore *w = arguments;

	return REAL(sem_timedwait)(w->s, w->at);
}

static int wait_until_clock(void *arguments)
{
	struct semaphore *w = arguments;

	return REAL(sem_clockwait)(w->s, w->clock, w->at);
}

PUBLIC int sem_wait(sem_t *s)
{
	SEMAPHORE(wait_for_ever, .s = s);
}

PUBLIC int sem_trywait(sem_t *s)
{
	SEMAPHORE(wait_not, .s = s);
}

PUBLIC int sem_timedwait(sem_t *restrict s, const struct timespec *restrict at)
{
	SEMAPHORE(wait_until, .s = s, .at = at);
}

PUBLIC int sem_clockwait(sem_t *restrict s, clockid_t clock, const struct timespec *restrict at)
{
	SEMAPHORE(wait_until_clock, .s = s, .clock = clock, .at = at);
}
