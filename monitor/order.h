/* SPDX-License-Identifier: MIT */
/* The parts that the files in front of the C library's locks share. */
#ifndef TANDEM_MONITOR_ORDER_H
#define TANDEM_MONITOR_ORDER_H

#include "call.h"
#include "locks.h"

#define PUBLIC __attribute__((visibility("default")))

/* errno is libc's, of the thread. */
extern int *__errno_location(void);

/* The definition behind ours, found at the first use (a race finds the same twice). */
#define REAL(name)                                                                                 \
	({                                                                                         \
		static __typeof__(name) *real_##name;                                              \
		if (unlikely(!real_##name))                                                        \
			real_##name = libc_symbol(#name);                                          \
		real_##name;                                                                       \
	})

/* More than one thread: acquisitions have an order that twins share. */
static inline bool ordered(void)
{
	return variant.running && !thread_self()->process->alone;
}

static inline bool leads(void)
{
	return thread_self()->process->leader;
}

/* The leader has acquired a lock, or a wait has ended with this result. */
static inline int said(int result)
{
	leader_note(thread_self(), RECORD_SYNC, 0, result, NULL, 0, false);
	return result;
}

/* A follower's turn to do the same. */
static inline int heard(void)
{
	struct record header;

	follower_note(thread_self(), RECORD_SYNC, &header, NULL, 0,
		      "this variant acquires a lock where the leader does something else");
	return (int)header.result;
}

#endif
