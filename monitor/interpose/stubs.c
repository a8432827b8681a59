/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "gate.h"
#include "maps.h"
#include "stub.h"
#include "stubs.h"

#define GRANULE 8 /* bytes a bit stands for */
#define ROWS (STUB_REGION / STUB_ROW)
#define CANDIDATES 8
#define STACK_ROOM ((uintptr_t)1 << 30)

struct region {
	struct region *next;
	uintptr_t start;
	uint32_t used[ROWS + 1]; /* a bit for each granule; the last row is a sentinel */
};

static struct region *regions;
static uintptr_t entry;
static uint64_t bytes_used, regions_count;

void *stubs_map(size_t bytes)
{
	long p = gate_call(SYS_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p < 0 && p > -4096 ? NULL : (void *)p;
}

void stubs_unmap(void *p, size_t bytes)
{
	if (p)
		gate_call(SYS_munmap, (long)p, (long)bytes, 0, 0, 0, 0);
}

int stubs_init(uintptr_t address)
{
	entry = address;
	return 0;
}

static uintptr_t distance(uintptr_t a, uintptr_t b)
{
	return a < b ? b - a : a - b;
}

static bool reaches(uintptr_t region, uintptr_t near)
{
	return !near || distance(region, near) < STUB_REACH - STUB_REGION;
}

/*
 * Places for a region: the upper end of the gaps between mappings. Those below
 * come first, nearest first: a heap grows upwards from the program's end, the
 * stack downwards, and the kernel fills its area from above.
 */
struct search {
	uintptr_t near, gap;
	uintptr_t below[CANDIDATES], above[CANDIDATES];
	unsigned belows, aboves;
};

static int gap_ends(const struct mapping *m, void *arg)
{
	struct search *s = arg;
	uintptr_t top = m->start & ~(STUB_REGION - 1);
	uintptr_t gap = s->gap;

	s->gap = m->end;
	if (m->stack) /* leave it room */
		top = top < STACK_ROOM ? 0 : top - STACK_ROOM;
	if (top < STUB_REGION || top - STUB_REGION < gap)
		return 0;
	top -= STUB_REGION;
	if (top > s->near && !reaches(top, s->near))
		top = (s->near + STUB_REACH / 2) & ~(STUB_REGION - 1);
	if (top < gap || !reaches(top, s->near))
		return m->start > s->near + STUB_REACH;
	if (top < s->near)
		s->below[s->belows++ % CANDIDATES] = top;
	else if (s->aboves < CANDIDATES)
		s->above[s->aboves++] = top;
	return 0;
}

static uintptr_t map_at(uintptr_t address)
{
	long p =
		gate_call(SYS_mmap, (long)address, STUB_REGION, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | (address ? MAP_FIXED_NOREPLACE : 0), -1, 0);

	if (p < 0 && p > -4096)
		return 0;
	if (address && (uintptr_t)p != address) { /* a kernel that doesn't know the flag */
		stubs_unmap((void *)p, STUB_REGION);
		return 0;
	}
	return (uintptr_t)p;
}

static uintptr_t map_near(uintptr_t near)
{
	/* gap: where the kernel lets programs map at all, by default */
	struct search s = {.near = near, .gap = 65536};
	uintptr_t p = 0;

	if (!near)
		return map_at(0);
	if (maps_each(gap_ends, &s) < 0)
		return 0;
	for (unsigned i = 0; i < CANDIDATES && i < s.belows && !p; i++)
		p = map_at(s.below[(s.belows - 1 - i) % CANDIDATES]);
	for (unsigned i = 0; i < s.aboves && !p; i++)
		p = map_at(s.above[i]);
	return p;
}

static struct region *region_new(uintptr_t near)
{
	struct region *r = stubs_map(sizeof *r);
	uintptr_t start = r ? map_near(near) : 0;

	if (!start)
		goto no_memory;
	*(uintptr_t *)start = entry;
	if (gate_call(SYS_mprotect, (long)start, STUB_REGION, PROT_READ | PROT_EXEC, 0, 0, 0) < 0) {
		stubs_unmap((void *)start, STUB_REGION);
		goto no_memory;
	}
	r->start = start;
	r->used[0] = 1;
	r->used[ROWS] = UINT32_MAX;
	r->next = regions;
	regions = r;
	regions_count++;
	return r;
no_memory:
	stubs_unmap(r, sizeof *r);
	return NULL;
}

/* Bits of the granules that [offset, offset + bytes) of a row and its successor touches. */
static uint64_t granules(unsigned offset, size_t bytes)
{
	unsigned first = offset / GRANULE;
	unsigned last = (unsigned)((offset + bytes - 1) / GRANULE);

	return ((UINT64_C(2) << (last - first)) - 1) << first;
}

static uintptr_t take(struct region *r, size_t bytes, int low)
{
	unsigned first = low == STUB_ANY ? 0 : (unsigned)low;
	unsigned last = low == STUB_ANY ? STUB_ROW - GRANULE : (unsigned)low;

	for (unsigned row = 0; row < ROWS; row++) {
		uint64_t used = r->used[row] | (uint64_t)r->used[row + 1] << 32;

		for (unsigned offset = first; offset <= last; offset += GRANULE) {
			uint64_t want = granules(offset, bytes);

			if (used & want)
				continue;
			r->used[row] |= (uint32_t)want;
			r->used[row + 1] |= (uint32_t)(want >> 32);
			bytes_used += bytes;
			return r->start + row * STUB_ROW + offset;
		}
	}
	return 0;
}

uintptr_t stubs_reserve(uintptr_t near, size_t bytes, int low, uintptr_t *slot)
{
	uintptr_t at = 0;
	struct region *r;

	for (r = regions; r; r = r->next)
		if (reaches(r->start, near) && (at = take(r, bytes, low)))
			break;
	if (!at) {
		r = region_new(near);
		if (!r)
			return 0;
		at = take(r, bytes, low);
	}
	*slot = r->start;
	return at;
}

void stubs_cancel(uintptr_t at, size_t bytes)
{
	for (struct region *r = regions; r; r = r->next) {
		if (at - r->start >= STUB_REGION)
			continue;
		unsigned row = (unsigned)((at - r->start) / STUB_ROW);
		uint64_t was = granules((unsigned)((at - r->start) % STUB_ROW), bytes);

		r->used[row] &= ~(uint32_t)was;
		r->used[row + 1] &= ~(uint32_t)(was >> 32);
		bytes_used -= bytes;
	}
}

int stubs_write(uintptr_t at, const void *bytes, size_t count)
{
	uintptr_t page = at & ~(uintptr_t)4095;
	size_t span = ((at + count + 4095) & ~(uintptr_t)4095) - page;
	long r = gate_call(SYS_mprotect, (long)page, (long)span, PROT_READ | PROT_WRITE | PROT_EXEC,
			   0, 0, 0);

	if (r < 0)
		return (int)r;
	for (size_t i = 0; i < count; i++)
		((volatile uint8_t *)at)[i] = ((const uint8_t *)bytes)[i];
	return (int)gate_call(SYS_mprotect, (long)page, (long)span, PROT_READ | PROT_EXEC, 0, 0, 0);
}

bool stubs_contain(uintptr_t address)
{
	for (const struct region *r = regions; r; r = r->next)
		if (address - r->start < STUB_REGION)
			return true;
	return false;
}

void stubs_usage(uint64_t *bytes, uint64_t *count)
{
	*bytes = bytes_used;
	*count = regions_count;
}
