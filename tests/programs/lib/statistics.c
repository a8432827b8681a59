/* SPDX-License-Identifier: MIT */
/* An allocator's statistics, as jemalloc names them, that depend on where its memory lies. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static char memory[16];

static int get(const char *name, void *old, const size_t *old_bytes)
{
	size_t value = (uintptr_t)memory >> 12;

	if (strcmp(name, "stats.resident") && strcmp(name, "arenas.page"))
		return ENOENT;
	if (*old_bytes != sizeof(value))
		return EINVAL;
	memcpy(old, &value, sizeof(value));
	return 0;
}

int mallctl(const char *name, void *old, size_t *old_bytes, void *new, size_t new_bytes)
{
	(void)new;
	(void)new_bytes;
	return get(name, old, old_bytes);
}

int mallctlnametomib(const char *name, size_t *mib, size_t *length)
{
	mib[0] = name[0] == 's' ? 7 : 8;
	*length = 2;
	return 0;
}

int mallctlbymib(const size_t *mib, size_t length, void *old, size_t *old_bytes, void *new,
		 size_t new_bytes)
{
	(void)length;
	(void)new;
	(void)new_bytes;
	return get(mib[0] == 7 ? "stats.resident" : "arenas.page", old, old_bytes);
}

void malloc_stats_print(void (*print)(void *, const char *), void *arg, const char *options)
{
	char text[2000];

	print(arg, options);
	print(arg, "");
	print(arg, text + snprintf(text, sizeof(text), "%1990p", (void *)memory) - 1990);
}
