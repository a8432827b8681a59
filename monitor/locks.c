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
#include "random.h"

extern void *dlsym(void *handle, const char *name);
#define NEXT ((void *)-1l) /* RTLD_NEXT */

/*
 * Not an event of the program's, so the loader's lock isn't acquired in order. Not inlined: where
 * no thread runs yet there is none to be looked at, which the compiler may do early.
 */
static __attribute__((noinline)) void *look_up(const char *name)
{
	return WITHIN(WITHIN_PRIVATE, dlsym(NEXT, name));
}

void *symbol_behind(const char *name)
{
	return variant.running ? look_up(name) : dlsym(NEXT, name);
}

void *libc_symbol(const char *name)
{
	void *p = symbol_behind(name);

	if (!p)
		stop_internal(name, -ENOENT);
	return p;
}

/* The linker's names for where a section begins and ends. */
extern struct behind __start_tandem_behind[] __attribute__((visibility("hidden")));
extern struct behind __stop_tandem_behind[] __attribute__((visibility("hidden")));

void symbols_find(void)
{
	for (struct behind *b = __start_tandem_behind; b < __stop_tandem_behind; b++)
		b->symbol = symbol_behind(b->name);
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

PUBLIC int pthread_rwlock_clockrdlock(pthread_rwlock_t *restrict l, clockid_t clock,
				      const struct timespec *restrict at)
{
	ACQUIRE(pthread_rwlock_clockrdlock, REAL(pthread_rwlock_rdlock)(l), l, clock, at);
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

PUBLIC int pthread_rwlock_clockwrlock(pthread_rwlock_t *restrict l, clockid_t clock,
				      const struct timespec *restrict at)
{
	ACQUIRE(pthread_rwlock_clockwrlock, REAL(pthread_rwlock_wrlock)(l), l, clock, at);
}

/* Who has it waits for the end of all segments, of which a wait that makes no call is none. */
static int spin(pthread_spinlock_t *l)
{
	int result = REAL(pthread_spin_trylock)(l);

	if (result != EBUSY)
		return result;
	segment_end(thread_self());
	return REAL(pthread_spin_lock)(l);
}

PUBLIC int pthread_spin_lock(pthread_spinlock_t *l)
{
	if (ordered() && leads())
		return said(spin(l));
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

	random_look(__builtin_return_address(0));
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
 * Waits that may be cancelled, and have then acquired nothing and make no record. What `wait`
 * returns is the record's result; a follower waits for that, and does then what ends by itself.
 */
static void cancelled_wait(void *unused)
{
	struct thread *t = thread_self();

	(void)unused;
	t->within = WITHIN_NOTHING;
	segment_end(t);
	segment_resume(t);
}

static int wait_said(int (*wait)(void *), void *arguments)
{
	struct _pthread_cleanup_buffer cleanup;
	int result;

	REAL(_pthread_cleanup_push)(&cleanup, cancelled_wait, NULL);
	result = OWN(wait(arguments));
	REAL(_pthread_cleanup_pop)(&cleanup, 0);
	return said(result);
}

/* What comes behind it is a cancellation point as well, but the leader's wait is over. */
static int wait_heard(int (*acquire)(void *), void *arguments)
{
	int type, state, result;

	REAL(pthread_setcanceltype)(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	result = heard();
	REAL(pthread_setcanceltype)(type, NULL);
	REAL(pthread_setcancelstate)(PTHREAD_CANCEL_DISABLE, &state);
	if (result == 0)
		acquire(arguments);
	REAL(pthread_setcancelstate)(state, NULL);
	acquired();
	return result;
}

struct semaphore {
	sem_t *s;
	clockid_t clock;
	const struct timespec *at;
};

/* Semaphores say why they failed in errno. */
static int semaphore_result(int error)
{
	if (!error)
		return 0;
	*__errno_location() = error;
	return -1;
}

#define WHY(result) ((result) ? *__errno_location() : 0)

static int wait_for_ever(void *arguments)
{
	struct semaphore *w = arguments;

	return WHY(REAL(sem_wait)(w->s));
}

static int wait_not(void *arguments)
{
	struct semaphore *w = arguments;

	return WHY(REAL(sem_trywait)(w->s));
}

static int wait_until(void *arguments)
{
	struct semaphore *w = arguments;

	return WHY(REAL(sem_timedwait)(w->s, w->at));
}

static int wait_until_clock(void *arguments)
{
	struct semaphore *w = arguments;

	return WHY(REAL(sem_clockwait)(w->s, w->clock, w->at));
}

#define SEMAPHORE(call, ...)                                                                       \
	do {                                                                                       \
		struct semaphore w_ = {__VA_ARGS__};                                               \
                                                                                                   \
		if (!ordered())                                                                    \
			return UNORDERED(semaphore_result(call(&w_)));                             \
		if (leads())                                                                       \
			return semaphore_result(wait_said(call, &w_));                             \
		return semaphore_result(wait_heard(wait_for_ever, &w_));                           \
	} while (0)

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

/*
 * The end of a thread, which its kernel tells by a word in memory: what a follower waits for comes,
 * since the thread's exit stands in front of this in the stream.
 */
struct joining {
	pthread_t thread;
	void **value;
	clockid_t clock;
	const struct timespec *at;
};

static int join_ever(void *arguments)
{
	struct joining *j = arguments;

	return REAL(pthread_join)(j->thread, j->value);
}

static int join_now(void *arguments)
{
	struct joining *j = arguments;

	return REAL(pthread_tryjoin_np)(j->thread, j->value);
}

static int join_until(void *arguments)
{
	struct joining *j = arguments;

	return REAL(pthread_timedjoin_np)(j->thread, j->value, j->at);
}

static int join_until_clock(void *arguments)
{
	struct joining *j = arguments;

	return REAL(pthread_clockjoin_np)(j->thread, j->value, j->clock, j->at);
}

#define JOIN(call, ...)                                                                            \
	do {                                                                                       \
		struct joining j_ = {__VA_ARGS__};                                                 \
                                                                                                   \
		if (!ordered())                                                                    \
			return call(&j_);                                                          \
		if (leads())                                                                       \
			return wait_said(call, &j_);                                               \
		return wait_heard(join_ever, &j_);                                                 \
	} while (0)

PUBLIC int pthread_join(pthread_t thread, void **value)
{
	JOIN(join_ever, .thread = thread, .value = value);
}

PUBLIC int pthread_tryjoin_np(pthread_t thread, void **value)
{
	JOIN(join_now, .thread = thread, .value = value);
}

PUBLIC int pthread_timedjoin_np(pthread_t thread, void **value, const struct timespec *at)
{
	JOIN(join_until, .thread = thread, .value = value, .at = at);
}

PUBLIC int pthread_clockjoin_np(pthread_t thread, void **value, clockid_t clock,
				const struct timespec *at)
{
	JOIN(join_until_clock, .thread = thread, .value = value, .clock = clock, .at = at);
}
