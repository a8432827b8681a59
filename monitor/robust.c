/* SPDX-License-Identifier: MIT */
#include "robust.h"

#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "process.h"

#define LONGEST 2048 /* as in the kernel: a list may go in a circle */

static void mark(const struct thread *t, uint64_t address)
{
	_Atomic uint32_t *word = (void *)address;
	uint32_t value;

	if (!address || address % sizeof(value) || user_read(&value, word, sizeof(value)) < 0)
		return;
	do {
		if ((value & FUTEX_TID_MASK) != (uint32_t)t->vtid)
			return;
	} while (!atomic_compare_exchange_weak(word, &value,
					       (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED));
	if (value & FUTEX_WAITERS)
		sys(SYS_futex, word, FUTEX_WAKE, 1);
}

/* The lowest bit of a pointer says that it is one with priority inheritance. */
static uint64_t word_of(const struct robust_list_head *head, const void *entry)
{
	uint64_t at = (uint64_t)entry & ~1ull;

	return at ? at + (uint64_t)head->futex_offset : 0;
}

static void end(const struct thread *t)
{
	struct robust_list_head *user = NULL, head;
	const struct robust_list *entry;
	size_t bytes = 0;

	if (sys(SYS_get_robust_list, t->tid, &user, &bytes) < 0 || !user ||
	    user_read(&head, user, sizeof(head)) < 0)
		return;
	entry = head.list.next;
	for (int i = 0; i < LONGEST; i++) {
		struct robust_list next;
		const void *at = (const void *)((uint64_t)entry & ~1ull);

		if (at == user || user_read(&next, at, sizeof(next)) < 0)
			break;
		if (entry != head.list_op_pending)
			mark(t, word_of(&head, entry));
		entry = next.next;
	}
	mark(t, word_of(&head, head.list_op_pending));
}

void robust_end(struct thread *t, bool process)
{
	struct process *p = t->process;

	if (p->leader)
		return;
	if (!process) {
		end(t);
		return;
	}
	lock_acquire(&p->thread_lock);
	for (const struct thread *of = p->threads; of; of = of->next)
		end(of);
	lock_release(&p->thread_lock);
}
