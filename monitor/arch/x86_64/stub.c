/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "interpose/patch.h"
#include "interpose/stubs.h"

void stub_init(void)
{
	insn_init();
}

/*
 * Padding between `at` and the next boundary at which a function may be
 * aligned: nothing but nop and int3 behind code that doesn't continue. Sets
 * *end to the end of the instruction that reaches `wanted`.
 */
static bool padding(const struct text *t, uintptr_t at, uintptr_t wanted, uintptr_t *end)
{
	uintptr_t boundary = (at + 15) & ~(uintptr_t)15;
	struct insn i;

	*end = 0;
	for (; at < boundary; at += i.length) {
		if (!insn_decode(at, t->end, &i) || i.kind != INSN_PADS)
			return false;
		if (!*end && at + i.length >= wanted)
			*end = at + i.length;
	}
	return *end && at == boundary;
}

/* From `at`, as many instructions as it takes to fill the window [start, start + STUB_JUMP). */
static enum patch_reason displace(const struct text *t, uintptr_t start, uintptr_t at,
				  struct stub_plan *p)
{
	uintptr_t from = at, end;
	struct insn i;

	p->ends = false;
	while (at < start + STUB_JUMP && !p->ends) {
		if (!insn_decode(at, t->end, &i))
			return PATCH_SHORT;
		if (i.kind == INSN_STAYS || i.kind == INSN_SYSCALL)
			return PATCH_INSTRUCTION;
		if (i.kind == INSN_PADS && *(const uint8_t *)at == 0xcc)
			return PATCH_INSTRUCTION;
		at += i.length;
		p->ends = i.kind == INSN_ENDS;
	}
	p->behind = (uint8_t)(at - from);
	if (at < start + STUB_JUMP) {
		if (!padding(t, at, start + STUB_JUMP, &end))
			return PATCH_SHORT;
		at = end;
	}
	p->at = start;
	p->before = 0;
	p->window = (uint8_t)(at - start);
	return PATCH_OK;
}

enum patch_reason plan_behind(struct text *t, uintptr_t site, struct stub_plan *p)
{
	enum patch_reason r = displace(t, site, site + STUB_SYSCALL, p);

	if (r == PATCH_OK && text_index(t) != PATCH_OK)
		r = PATCH_NO_MAPPING;
	if (r == PATCH_OK && text_branch_into(t, site, site + STUB_JUMP, false))
		r = PATCH_BRANCH;
	return r;
}

/*
 * One instruction: whoever branches to the syscall instruction itself traps,
 * and a thread can't be in the middle.
 */
enum patch_reason plan_before(struct text *t, uintptr_t site, struct stub_plan *p)
{
	uintptr_t at = text_before(t, site);
	struct insn i;

	if (!at || !insn_decode(at, t->end, &i) || i.kind != INSN_MOVES || i.branch)
		return PATCH_INSTRUCTION;
	if (i.length < STUB_JUMP)
		return PATCH_SHORT;
	p->at = at;
	p->before = p->window = i.length;
	p->behind = 0;
	p->ends = false;
	return PATCH_OK;
}

enum patch_reason plan_function(struct text *t, uintptr_t function, struct stub_plan *p)
{
	enum patch_reason r = displace(t, function, function, p);

	if (r == PATCH_OK && text_branch_into(t, function, function + STUB_JUMP, true))
		r = PATCH_BRANCH;
	return r;
}

/* Where the next byte goes, and the address at which it will run. */
struct out {
	uint8_t *at;
	uintptr_t address;
	bool far; /* a distance didn't fit */
};

static void put(struct out *o, const void *bytes, size_t n)
{
	__builtin_memcpy(o->at, bytes, n);
	o->at += n;
	o->address += n;
}

static void put_byte(struct out *o, unsigned byte)
{
	uint8_t b = (uint8_t)byte;

	put(o, &b, 1);
}

/* The distance to target from `behind` bytes behind the distance itself. */
static void put_distance(struct out *o, uintptr_t target, unsigned behind)
{
	intptr_t d = (intptr_t)(target - (o->address + 4 + behind));
	int32_t d32 = (int32_t)d;

	o->far |= d != d32;
	put(o, &d32, sizeof d32);
}

static void put_jump(struct out *o, uintptr_t target)
{
	put_byte(o, 0xe9);
	put_distance(o, target, 0);
}

static void put_instruction(struct out *o, uintptr_t at, const struct insn *i)
{
	if (i->branch) {
		if (i->condition == 16) {
			put_jump(o, i->target);
		} else {
			put_byte(o, 0x0f);
			put_byte(o, 0x80 | i->condition);
			put_distance(o, i->target, 0);
		}
	} else if (i->address) {
		put(o, (const void *)at, i->length - i->address);
		put_distance(o, i->target, i->address - 4u);
		put(o, (const void *)(at + i->length - i->address + 4), i->address - 4u);
	} else {
		put(o, (const void *)at, i->length);
	}
}

/* Moves [from, end); notes in c what it branches to and in info (if any) what stands where. */
static void put_moved(struct out *o, uintptr_t from, uintptr_t end, struct stub_code *c,
		      struct stub_info *info)
{
	uintptr_t tail = o->address;
	unsigned count = 0;
	struct insn i;

	for (uintptr_t at = from; at < end; at += i.length) {
		if (!insn_decode(at, end, &i) || count == STUB_MOVED) {
			o->far = true; /* can't happen: the plan has decoded the same bytes */
			return;
		}
		if (info) {
			info->to[count] = (uint8_t)(o->address - tail);
			info->from[count] = (uint8_t)(at - from);
		}
		count++;
		if (i.branch)
			c->branch[c->branches++] = i.target;
		put_instruction(o, at, &i);
	}
	if (info && count < STUB_MOVED) {
		info->to[count] = (uint8_t)(o->address - tail);
		info->from[count] = (uint8_t)(end - from);
	}
}

static void put_far_jump(struct out *o, uintptr_t target)
{
	static const uint8_t jump[] = {0xff, 0x25, 0, 0, 0, 0};

	put(o, jump, sizeof jump);
	put(o, &target, sizeof target);
}

static const uint8_t fail[] = {0x48, 0xc7, 0xc0, (uint8_t)-ENOSYS, 0xff, 0xff, 0xff};

static void put_head(struct out *o, enum stub_kind kind, uintptr_t slot)
{
	static const uint8_t lea_tail[] = {0x48, 0x8d, 0x0d, 6, 0, 0, 0};
	static const uint8_t skip[] = {0xeb, 4, 0xcc, 0xcc, 0xcc, 0xcc};

	if (kind == STUB_FAIL) {
		put(o, fail, sizeof fail);
		put(o, skip, sizeof skip);
		return;
	}
	put(o, lea_tail, sizeof lea_tail);
	put_byte(o, 0xff);
	put_byte(o, 0x25);
	put_distance(o, slot, 0);
}

enum patch_reason stub_emit(const struct stub_plan *p, uintptr_t address, uintptr_t slot,
			    struct stub_code *c)
{
	static const uint8_t is_query[] = {0x49, 0x83, 0xf8, 0xff, 0x75, 8}; /* cmp $-1, %r8; jne */
	struct stub_info info = {.site = p->site};
	struct out o = {c->bytes, address, false};
	uintptr_t behind = p->site + STUB_SYSCALL;

	__builtin_memset(info.to, 255, sizeof info.to);
	__builtin_memset(info.from, 255, sizeof info.from);
	c->branches = 0;
	switch (p->kind) {
	case STUB_COPY:
		c->head = c->enter = address;
		put_moved(&o, p->site, p->site + p->behind, c, NULL);
		if (!p->ends)
			put_jump(&o, p->site + p->behind);
		break;
	case STUB_QUERY:
	case STUB_VDSO:
		c->enter = address;
		if (p->kind == STUB_QUERY) {
			put(&o, is_query, sizeof is_query);
			put(&o, fail, sizeof fail);
			put_byte(&o, 0xc3);
		}
		put_byte(&o, 0xb8);
		put(&o, &p->nr, sizeof p->nr);
		/* over the info, which must be right in front of the head */
		put_byte(&o, 0xeb);
		put_byte(&o, sizeof info);
		info.to[0] = info.from[0] = 0;
		put(&o, &info, sizeof info);
		c->head = o.address;
		put_head(&o, STUB_ENTRY, slot);
		put_byte(&o, 0xc3);
		break;
	case STUB_ENTRY:
	case STUB_FAIL:
		put(&o, &info, sizeof info);
		c->head = c->enter = o.address;
		put_head(&o, p->kind, slot);
		put_moved(&o, behind, behind + p->behind, c, &info);
		if (p->far)
			put_far_jump(&o, behind);
		else if (!p->ends)
			put_jump(&o, behind + p->behind);
		if (p->before) {
			c->enter = o.address;
			put_moved(&o, p->site - p->before, p->site, c, NULL);
			put_jump(&o, c->head);
		}
		__builtin_memcpy(c->bytes, &info, sizeof info);
		break;
	}
	c->size = (size_t)(o.at - c->bytes);
	return o.far ? PATCH_REACH : PATCH_OK;
}

int stub_low_byte(const struct stub_plan *p)
{
	if (!p->window || p->at != p->site || p->kind > STUB_FAIL)
		return STUB_ANY;
	return (uint8_t)(p->site + STUB_JUMP + 0x05 - sizeof(struct stub_info));
}
