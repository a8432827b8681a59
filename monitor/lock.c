/* SPDX-License-Identifier: MIT */
/*
 * A lock inside one process (0 free, 1 held, 2 held and somebody waits): the
 * classic three-state futex mutex (Drepper, "Futexes Are Tricky", mutex2).
 */
#include <linux/futex.h>
#include <sys/syscall.h>

#include "monitor.h"

#define SPINS 100

void lock_acquire(_Atomic uint32_t *word)
{
	uint32_t seen = 0;

	if (atomic_compare_exchange_strong_explicit(word, &seen, 1, memory_order_acquire,
						    memory_order_relaxed))
		return;
	for (int i = 0; i < SPINS; i++) {
		cpu_relax();
		seen = 0;
		if (atomic_load_explicit(word, memory_order_relaxed) == 0 &&
		    atomic_compare_exchange_strong_explicit(word, &seen, 1, memory_order_acquire,
							    memory_order_relaxed))
			return;
	}
	while (atomic_exchange_explicit(word, 2, memory_order_acquire) != 0)
		sys(SYS_futex, word, FUTEX_WAIT_PRIVATE, 2, 0);
}

void lock_release(_Atomic uint32_t *word)
{
	/* Sequentially consistent: turns.h counts on it. */
	if (atomic_exchange(word, 0) == 2)
		sys(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1);
}
