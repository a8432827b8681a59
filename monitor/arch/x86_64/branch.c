/* SPDX-License-Identifier: MIT */
/*
 * Who may branch into a window, and where instructions may start.
 *
 * Any offset in the text that reads as a direct branch into the window counts,
 * wherever it is, unless no instruction can start there. Whether one can is
 * found by decoding from each of the INSN_LONGEST offsets at some distance in
 * front: in contiguous code one of them is a true boundary, and from there on
 * its chain is the true one. What no chain arrives at isn't an instruction.
 * (Chains of x86 code soon merge, so little is left to doubt. Data amid code
 * could mislead this within RUN_IN bytes behind it.)
 */
#include "interpose/patch.h"
#include "interpose/stubs.h"

#define INSN_LONGEST 15
#define RUN_IN 96

/* Of all stubs, for ever: cheaper than to know which still run. */
static struct branch_list moved;

static bool list_add(struct branch_list *l, uintptr_t from, uintptr_t to)
{
	if (l->count == l->capacity) {
		size_t capacity = l->capacity ? 2 * l->capacity : 4096 / sizeof *l->item;
		struct branch *grown = stubs_map(capacity * sizeof *grown);

		if (!grown)
			return false;
		for (size_t i = 0; i < l->count; i++)
			grown[i] = l->item[i];
		stubs_unmap(l->item, l->capacity * sizeof *l->item);
		l->item = grown;
		l->capacity = capacity;
	}
	l->item[l->count++] = (struct branch){from, to};
	return true;
}

bool text_moved_branch(uintptr_t to)
{
	return list_add(&moved, 0, to);
}

void text_free(struct text *t)
{
	stubs_unmap(t->far.item, t->far.capacity * sizeof *t->far.item);
	t->far = (struct branch_list){0};
}

struct sweep {
	uintptr_t start;
	uint8_t reached[RUN_IN + 2 * INSN_LONGEST]; /* by offset from start */
	uint8_t length[RUN_IN + INSN_LONGEST];      /* of the instruction there, 0: none */
};

/* Decodes all chains up to and including address; false if none gets that far. */
static bool sweep_to(const struct text *t, uintptr_t address, struct sweep *s)
{
	size_t span;
	bool arrives = false;

	s->start = address - t->start < RUN_IN ? t->start : address - RUN_IN;
	span = address - s->start;
	for (size_t i = 0; i < sizeof s->reached; i++)
		s->reached[i] = i < INSN_LONGEST && i < span;
	for (size_t i = 0; i <= span; i++) {
		s->length[i] = s->reached[i] ? insn_length(s->start + i, t->end) : 0;
		if (!s->length[i])
			continue;
		s->reached[i + s->length[i]] = 1;
		arrives |= i + s->length[i] >= span;
	}
	return arrives;
}

bool text_boundary(const struct text *t, uintptr_t address)
{
	struct sweep s;

	return !sweep_to(t, address, &s) || s.reached[address - s.start];
}

uintptr_t text_before(const struct text *t, uintptr_t address)
{
	struct sweep s;
	size_t span, found = 0;

	if (address - t->start < RUN_IN || !sweep_to(t, address, &s))
		return 0;
	span = address - s.start;
	for (size_t i = span - 2 * INSN_LONGEST; i < span; i++) {
		if (!s.length[i] || i + s.length[i] < span)
			continue;
		if (found || i + s.length[i] != span)
			return 0;
		found = i;
	}
	/* Every chain must pass through it. */
	for (size_t i = found - INSN_LONGEST; found && i < found; i++)
		if (s.length[i] && i + s.length[i] > found)
			return 0;
	return found ? s.start + found : 0;
}

static int32_t load32(const uint8_t *p)
{
	int32_t v;

	__builtin_memcpy(&v, p, sizeof v);
	return v;
}

/* Is there a syscall instruction at to - 1 ... to - STUB_JUMP + 1? (or something that reads as one)
 */
static bool behind_syscall(const struct text *t, uintptr_t to)
{
	uint64_t bytes;

	if (to - t->start < STUB_JUMP || t->end - to < sizeof bytes)
		return to != t->start;
	__builtin_memcpy(&bytes, (const void *)(to - STUB_JUMP + 1), sizeof bytes);
	for (unsigned i = 1; i < STUB_JUMP; i++, bytes >>= 8)
		if ((bytes & 0xffff) == 0x050f)
			return true;
	return false;
}

/* Length of the branch with a 32-bit distance that p reads as, or 0. */
static inline unsigned far_branch(const uint8_t *p)
{
	if ((p[0] & 0xfe) == 0xe8)
		return 5;
	return p[0] == 0x0f && (p[1] & 0xf0) == 0x80 ? 6 : 0;
}

enum patch_reason text_index(struct text *t)
{
	const uint8_t *last = (const uint8_t *)t->end - 6;

	if (t->indexed)
		return PATCH_OK;
	for (const uint8_t *p = (const uint8_t *)t->start; p <= last; p++) {
		unsigned length = far_branch(p);
		uintptr_t to;

		if (!length)
			continue;
		to = (uintptr_t)p + length + (uintptr_t)(intptr_t)load32(p + length - 4);
		if (to - t->start >= t->end - t->start || !behind_syscall(t, to))
			continue;
		if (!list_add(&t->far, (uintptr_t)p, to))
			return PATCH_NO_MAPPING;
	}
	t->indexed = true;
	return PATCH_OK;
}

static bool inside(uintptr_t a, uintptr_t start, uintptr_t end)
{
	return a > start && a < end;
}

bool text_branch_into(const struct text *t, uintptr_t start, uintptr_t end, bool whole)
{
	/* near: jcc, loop, jrcxz, jmp with an 8-bit distance */
	uintptr_t low = start - t->start < 130 ? t->start : start - 130;
	uintptr_t high = t->end - end < 130 ? t->end : end + 130;

	for (uintptr_t a = low; a + 2 <= high; a++) {
		const uint8_t *p = (const uint8_t *)a;

		if ((p[0] & 0xf0) != 0x70 && (p[0] & 0xfc) != 0xe0 && p[0] != 0xeb)
			continue;
		if (inside(a + 2 + (uintptr_t)(intptr_t)(int8_t)p[1], start, end) &&
		    text_boundary(t, a))
			return true;
	}
	for (size_t i = 0; i < t->far.count; i++)
		if (inside(t->far.item[i].to, start, end) && text_boundary(t, t->far.item[i].from))
			return true;
	for (size_t i = 0; i < moved.count; i++)
		if (inside(moved.item[i].to, start, end))
			return true;
	for (uintptr_t a = t->start; whole && a + 6 <= t->end; a++) {
		unsigned length = far_branch((const uint8_t *)a);

		if (length &&
		    inside(a + length + (uintptr_t)(intptr_t)load32((uint8_t *)a + length - 4),
			   start, end) &&
		    text_boundary(t, a))
			return true;
	}
	return false;
}

uintptr_t text_next_syscall(const struct text *t, uintptr_t from, uintptr_t end)
{
	struct insn i;

	for (; from < end; from += i.length) {
		if (!insn_decode(from, t->end, &i))
			return (uintptr_t)-1;
		if (i.kind == INSN_SYSCALL)
			return from;
	}
	return 0;
}
