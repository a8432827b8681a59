/* SPDX-License-Identifier: MIT */
/*
 * Where the first thread's stack is, as pthread_getattr_np says: libc reads /proc/self/maps up to
 * the line in which that stack lies. A follower would look for its own in the leader's. So it is
 * asked before the start, where each variant reads for itself, and remembered.
 */
#include "stack.h"

#include <pthread.h>

#include "order.h"

static struct {
	pthread_t thread;
	void *address;
	size_t bytes; /* 0: libc doesn't say */
} first;

void stack_start(void)
{
	pthread_attr_t attr;

	first.thread = pthread_self();
	if (REAL(pthread_getattr_np)(first.thread, &attr))
		return;
	pthread_attr_getstack(&attr, &first.address, &first.bytes);
	pthread_attr_destroy(&attr);
}

PUBLIC int pthread_getattr_np(pthread_t thread, pthread_attr_t *attr)
{
	if (!variant.running || !first.bytes || thread != first.thread)
		return REAL(pthread_getattr_np)(thread, attr);
	pthread_attr_init(attr);
	pthread_attr_setguardsize(attr, 0);
	return pthread_attr_setstack(attr, first.address, first.bytes);
}
