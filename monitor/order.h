/* SPDX-License-Identifier: MIT */
/* The parts that the files in front of the C library's locks share. */
#ifndef TANDEM_MONITOR_ORDER_H
#define TANDEM_MONITOR_ORDER_H

#include "allocator.h"
#include "call.h"
#include "locks.h"
#include "segment.h"

#define PUBLIC __attribute__((visibility("default")))

/* errno is libc's, of the thread. */
extern int *__errno_location(void);

/* libc's, of old: what pthread_cleanup_push was before it became a macro. */
struct _pthread_cleanup_buffer;
extern void _pthread_cleanup_push(struct _pthread_cleanup_buffer *, void (*)(void *), void *);
extern void _pthread_cleanup_pop(struct _pthread_cleanup_buffer *, int);

/* The definition behind ours, found at the start or, before that, at the first use. */
#define FOUND(label)                                                                               \
	({                                                                                         \
		struct behind *real_ = BEHIND_OF(label);                                           \
		if (unlikely(!real_->symbol))                                                      \
			real_->symbol = libc_symbol(label);                                        \
		real_->symbol;                                                                     \
	})
#define REAL(name) ((__typeof__(name) *)FOUND(#name))
/* The same of what may not be there, or not yet: NULL. */
#define BEHIND(name)                                                                               \
	({                                                                                         \
		struct behind *real_ = BEHIND_OF(#name);                                           \
		if (unlikely(!real_->symbol))                                                      \
			real_->symbol = symbol_behind(#name);                                      \
		(__typeof__(name) *)real_->symbol;                                                 \
	})

/*
 * More than one thread: acquisitions have an order that twins share; but not an allocator's,
 * see allocator.c.
 */
static inline bool ordered_for(const void *caller)
{
	return variant.running && !thread_self()->process->alone && !is_allocator(caller);
}
#define ordered() ordered_for(__builtin_return_address(0))

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

/* Something of libc's that may wait, done as what `why` says. */
#define WITHIN(why, work)                                                                          \
	({                                                                                         \
		struct thread *self_ = thread_self();                                              \
		uint8_t outer_ = self_->within;                                                    \
		__typeof__(work) own_;                                                             \
                                                                                                   \
		self_->within = why;                                                               \
		own_ = work;                                                                       \
		self_->within = outer_;                                                            \
		own_;                                                                              \
	})

/* The leader's acquisition: said() is behind it. */
#define OWN(acquisition) WITHIN(WITHIN_ACQUISITION, acquisition)

/* In a macro for the body of the function that was called: one without order. */
#define UNORDERED(acquisition)                                                                     \
	(is_allocator(__builtin_return_address(0)) ? WITHIN(WITHIN_PRIVATE, acquisition)           \
						   : acquisition)

/*
 * A follower's turn to do the same. The stream doesn't move on before acquired(): were it to,
 * the next thread's turn could come before this one has the lock, and the two would get it
 * in the wrong order. The wait for the lock in between ends by itself: whoever has it makes no
 * record before it lets go, or the leader's would stand before this one.
 */
static inline int heard(void)
{
	return (int)monitor_sync();
}

static inline void acquired(void)
{
	follower_drop(thread_self());
}

#endif
