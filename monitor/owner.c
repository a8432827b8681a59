/* SPDX-License-Identifier: MIT */
#include "owner.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>

#include "process.h"

#define LOOK_NS 100000000l /* for the session's end */

/* As the kernel: what says that the owner before has died is left for libc to see. */
static long try_lock(const struct thread *t, _Atomic uint32_t *word, uint32_t *seen)
{
	uint32_t own = (uint32_t)t->vtid, had;

	*seen = atomic_load(word);
	do {
		had = *seen & FUTEX_TID_MASK;
		if (had)
			return had == own ? -EDEADLK : -EAGAIN;
	} while (!atomic_compare_exchange_weak(word, seen, own | *seen));
	return 0;
}

/*
 * Whoever opens the lock wakes all that wait, and each of them notes again that it waits. A
 * follower makes this call only to get what its leader has got: it needs no timeout. Waits and
 * wakes are those of shared memory, as at the end of an owner (robust.c).
 */
static long lock(struct thread *t, _Atomic uint32_t *word)
{
	struct timespec time = {.tv_nsec = LOOK_NS};
	uint32_t seen;
	long result;

	while ((result = try_lock(t, word, &seen)) == -EAGAIN) {
		if (!(seen & FUTEX_WAITERS) &&
		    !atomic_compare_exchange_strong(word, &seen, seen | FUTEX_WAITERS))
			continue;
		sys(SYS_futex, word, FUTEX_WAIT, seen | FUTEX_WAITERS, &time);
		if (process_halted(t->process))
			park();
	}
	return result;
}

static long unlock(const struct thread *t, _Atomic uint32_t *word)
{
	if ((atomic_load(word) & FUTEX_TID_MASK) != (uint32_t)t->vtid)
		return -EPERM;
	atomic_store(word, 0);
	sys(SYS_futex, word, FUTEX_WAKE, INT32_MAX);
	return 0;
}

bool owner_futex(struct call *c)
{
	_Atomic uint32_t *word = (_Atomic uint32_t *)c->args[0];
	uint32_t unused;

	switch (c->args[1] & FUTEX_CMD_MASK) {
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
	case FUTEX_TRYLOCK_PI:
	case FUTEX_UNLOCK_PI:
		break;
	default:
		return false;
	}
	if (user_read(&unused, word, sizeof(unused)))
		c->result = -EFAULT;
	else if ((c->args[1] & FUTEX_CMD_MASK) == FUTEX_UNLOCK_PI)
		c->result = unlock(c->thread, word);
	else if ((c->args[1] & FUTEX_CMD_MASK) == FUTEX_TRYLOCK_PI)
		c->result = try_lock(c->thread, word, &unused);
	else
		c->result = lock(c->thread, word);
	return true;
}
