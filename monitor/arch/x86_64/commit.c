/* SPDX-License-Identifier: MIT */
/* Writing into code that other threads may be running. */
#include <linux/membarrier.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <errno.h>

#include "gate.h"
#include "interpose/patch.h"

#define JMP 0xe9
#define NOP 0x90

/* All other threads of the process refetch their code. */
static long sync_cores(void)
{
	long r = gate_call(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0, 0, 0,
			   0);

	if (r != -EPERM)
		return r;
	r = gate_call(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0, 0,
		      0, 0);
	if (r < 0)
		return r;
	return gate_call(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0, 0, 0, 0);
}

static void copy(uintptr_t to, const uint8_t *from, size_t n)
{
	volatile uint8_t *p = (volatile uint8_t *)to;

	while (n--)
		*p++ = *from++;
}

/*
 * Behind the site: all but the first two bytes are dead code (patch.h). The
 * second byte stays, the first commits; stores of one byte are never seen in part.
 */
static long commit_dead(uintptr_t at, const uint8_t *code, size_t n, bool alone)
{
	uint8_t old[STUB_MAX];
	long r = 0;

	if (((const uint8_t *)at)[1] != code[1])
		return -EINVAL;
	__builtin_memcpy(old, (const void *)at, n);
	copy(at + 2, code + 2, n - 2);
	if (!alone && (r = sync_cores()) < 0) {
		copy(at + 2, old + 2, n - 2);
		return r;
	}
	atomic_store_explicit((_Atomic uint8_t *)at, JMP, memory_order_seq_cst);
	return 0;
}

/* One store, so that others see all of it or nothing. Within one aligned word. */
static void store_in_word(uintptr_t at, const uint8_t *bytes, size_t n)
{
	_Atomic uint64_t *word = (_Atomic uint64_t *)(at & ~(uintptr_t)7);
	uint64_t value = atomic_load_explicit(word, memory_order_relaxed);

	__builtin_memcpy((uint8_t *)&value + (at & 7), bytes, n);
	atomic_store_explicit(word, value, memory_order_seq_cst);
}

/*
 * In front of the site: one instruction that others may be running. If it is
 * within one aligned word, one store replaces it. Else a jump to itself holds
 * threads off while the rest is written; that needs two bytes in one word.
 */
static long commit_live(uintptr_t at, const uint8_t *code, size_t n)
{
	static const uint8_t hold[] = {0xeb, 0xfe};
	uint8_t old[STUB_MAX];
	long r;

	__builtin_memcpy(old, (const void *)at, n);
	if ((at & 7) + n <= 8) {
		store_in_word(at, code, n);
		return 0;
	}
	if ((at & 7) == 7)
		return -EAGAIN;
	r = sync_cores(); /* can it be done at all? */
	if (r < 0)
		return r;
	store_in_word(at, hold, sizeof hold);
	r = sync_cores();
	if (r == 0) {
		copy(at + 2, code + 2, n - 2);
		r = sync_cores();
	}
	if (r < 0) {
		copy(at + 2, old + 2, n - 2);
		code = old;
	}
	store_in_word(at, code, sizeof hold);
	return r;
}

enum patch_reason stub_commit(const struct text *t, const struct stub_plan *p,
			      const struct stub_code *c, bool alone, uint64_t *unprotected)
{
	uintptr_t page = t->special ? t->start : p->at & ~(uintptr_t)4095;
	uintptr_t end = t->special ? t->end : (p->at + p->window + 4095) & ~(uintptr_t)4095;
	intptr_t distance = (intptr_t)(c->enter - (p->at + STUB_JUMP));
	int32_t distance32 = (int32_t)distance;
	uint8_t code[STUB_MAX];
	long r;

	if (distance != distance32)
		return PATCH_REACH;
	__builtin_memset(code, NOP, sizeof code);
	code[0] = JMP;
	__builtin_memcpy(code + 1, &distance32, sizeof distance32);
	if (gate_call(SYS_mprotect, (long)page, (long)(end - page),
		      PROT_READ | PROT_WRITE | PROT_EXEC, 0, 0, 0) < 0)
		return PATCH_PROTECT;
	if (p->kind <= STUB_FAIL && p->at == p->site)
		r = commit_dead(p->at, code, p->window, alone);
	else if (alone)
		copy(p->at, code, p->window), r = 0;
	else
		r = commit_live(p->at, code, p->window);
	if (gate_call(SYS_mprotect, (long)page, (long)(end - page), t->prot, 0, 0, 0) < 0)
		++*unprotected;
	return r < 0 ? PATCH_THREADS : PATCH_OK;
}

bool stub_committed(uintptr_t at)
{
	return atomic_load_explicit((_Atomic uint8_t *)at, memory_order_relaxed) == JMP;
}

uintptr_t stub_target(uintptr_t at)
{
	int32_t distance;

	if (!stub_committed(at))
		return 0;
	__builtin_memcpy(&distance, (const void *)(at + 1), sizeof distance);
	return at + STUB_JUMP + (uintptr_t)(intptr_t)distance;
}
