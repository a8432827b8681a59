/* SPDX-License-Identifier: MIT */
/* C11's names of what locks.c orders: libc's own come to the same without a symbol in between. */
#include <errno.h>
#include <pthread.h>
#include <threads.h>

#include "order.h"

static int meaning(int error)
{
	switch (error) {
	case 0:
		return thrd_success;
	case ENOMEM:
		return thrd_nomem;
	case ETIMEDOUT:
		return thrd_timedout;
	case EBUSY:
		return thrd_busy;
	default:
		return thrd_error;
	}
}

/* An allocator's are libc's. */
#define SAME(name, posix, ...)                                                                     \
	do {                                                                                       \
		if (!ordered())                                                                    \
			return UNORDERED(REAL(name)(__VA_ARGS__));                                 \
		return meaning(posix);                                                             \
	} while (0)

PUBLIC int mtx_lock(mtx_t *m)
{
	SAME(mtx_lock, pthread_mutex_lock((pthread_mutex_t *)m), m);
}

PUBLIC int mtx_trylock(mtx_t *m)
{
	SAME(mtx_trylock, pthread_mutex_trylock((pthread_mutex_t *)m), m);
}

PUBLIC int mtx_timedlock(mtx_t *restrict m, const struct timespec *restrict at)
{
	SAME(mtx_timedlock, pthread_mutex_timedlock((pthread_mutex_t *)m, at), m, at);
}

PUBLIC int cnd_wait(cnd_t *c, mtx_t *m)
{
	SAME(cnd_wait, pthread_cond_wait((pthread_cond_t *)c, (pthread_mutex_t *)m), c, m);
}

PUBLIC int cnd_timedwait(cnd_t *restrict c, mtx_t *restrict m, const struct timespec *restrict at)
{
	SAME(cnd_timedwait, pthread_cond_timedwait((pthread_cond_t *)c, (pthread_mutex_t *)m, at),
	     c, m, at);
}

PUBLIC int cnd_signal(cnd_t *c)
{
	SAME(cnd_signal, pthread_cond_signal((pthread_cond_t *)c), c);
}

PUBLIC int cnd_broadcast(cnd_t *c)
{
	SAME(cnd_broadcast, pthread_cond_broadcast((pthread_cond_t *)c), c);
}

PUBLIC void cnd_destroy(cnd_t *c)
{
	pthread_cond_destroy((pthread_cond_t *)c);
}

PUBLIC void call_once(once_flag *flag, void (*routine)(void))
{
	pthread_once((pthread_once_t *)flag, routine);
}

PUBLIC int thrd_join(thrd_t thread, int *value)
{
	void *result;
	int error = pthread_join(thread, &result);

	if (!error && value)
		*value = (int)(intptr_t)result;
	return meaning(error);
}
