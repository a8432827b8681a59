/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>

#include "sites.h"
#include "stubs.h"

#define FORGOTTEN 1
#define FIRST_CAPACITY 512

static struct site *table; /* mapped; open addressing */
static size_t capacity;    /* a power of two, or 0 */
static size_t taken;       /* in use or forgotten: the latter are used again after growing only */
static size_t count;

static struct site *slot(uintptr_t address)
{
	size_t i = (size_t)((address * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (capacity - 1);

	while (table[i].address && table[i].address != address)
		i = (i + 1) & (capacity - 1);
	return &table[i];
}

static bool used(const struct site *s)
{
	return s->address > FORGOTTEN;
}

struct site *sites_find(uintptr_t address)
{
	struct site *s = capacity ? slot(address) : NULL;

	return s && s->address ? s : NULL;
}

/* To a table in which a quarter is in use at most; forgotten sites stay behind. */
static int grow(void)
{
	struct site *old = table;
	size_t old_capacity = capacity, wanted = FIRST_CAPACITY;

	while (wanted < 4 * (count + 1))
		wanted *= 2;
	table = stubs_map(wanted * sizeof *table);
	if (!table) {
		table = old;
		return -ENOMEM;
	}
	capacity = wanted;
	taken = count;
	for (size_t i = 0; i < old_capacity; i++)
		if (used(&old[i]))
			*slot(old[i].address) = old[i];
	stubs_unmap(old, old_capacity * sizeof *old);
	return 0;
}

int sites_add(uintptr_t address, uintptr_t head, uintptr_t at, enum site_state state)
{
	int r = 2 * taken >= capacity ? grow() : 0;

	if (r < 0)
		return r;
	*slot(address) = (struct site){address, head, at, state};
	taken++;
	count++;
	return 0;
}

void sites_forget(uintptr_t start, uintptr_t end)
{
	for (size_t i = 0; i < capacity; i++) {
		if (!used(&table[i]) || table[i].address < start || table[i].address >= end)
			continue;
		table[i].address = FORGOTTEN;
		count--;
	}
}

size_t sites_count(void)
{
	return count;
}

void sites_each(int (*each)(const struct site *s, void *arg), void *arg)
{
	for (size_t i = 0; i < capacity; i++)
		if (used(&table[i]) && each(&table[i], arg))
			return;
}
