/* SPDX-License-Identifier: MIT */
/* Memory of the monitor's own, and what the compiler expects of a C library. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "monitor.h"

#define PAGE 4096ul

void *memory_map(size_t bytes)
{
	long p = sys(SYS_mmap, 0, (bytes + PAGE - 1) & ~(PAGE - 1), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p < 0 && p > -4096 ? NULL : (void *)p;
}

void memory_unmap(void *p, size_t bytes)
{
	sys(SYS_munmap, p, (bytes + PAGE - 1) & ~(PAGE - 1));
}

int memory_grow(void **p, size_t *size, size_t bytes)
{
	size_t want = *size ? *size : PAGE;
	long grown;

	if (bytes <= *size)
		return 0;
	if (bytes > (size_t)1 << 40)
		return -ENOMEM;
	while (want < bytes)
		want *= 2;
	if (!*p) {
		*p = memory_map(want);
		if (!*p)
			return -ENOMEM;
	} else {
		grown = sys(SYS_mremap, *p, *size, want, MREMAP_MAYMOVE);
		if (grown < 0 && grown > -4096)
			return -ENOMEM;
		*p = (void *)grown;
	}
	*size = want;
	return 0;
}

/* Free lists by power of two; larger objects go to the kernel. */
#define POOL_SMALLEST 6
#define POOL_LARGEST 13
#define POOL_CHUNK 65536ul

static struct pool_free {
	struct pool_free *next;
} * pool[POOL_LARGEST + 1];
/* A vfork child and its parent's threads hold different locks of their own, but share this. */
static _Atomic uint32_t pool_lock;

static unsigned pool_class(size_t bytes)
{
	unsigned class = POOL_SMALLEST;

	while (((size_t)1 << class) < bytes)
		class ++;
	return class;
}

void pool_hold(void)
{
	lock_acquire(&pool_lock);
}

void pool_release(void)
{
	lock_release(&pool_lock);
}

static void pool_put(unsigned class, void *p)
{
	struct pool_free *f = p;

	f->next = pool[class];
	pool[class] = f;
}

void *pool_alloc(size_t bytes)
{
	unsigned class = pool_class(bytes);
	struct pool_free *p;

	if (class > POOL_LARGEST)
		return memory_map(bytes);
	pool_hold();
	if (!pool[class]) {
		uint8_t *chunk = memory_map(POOL_CHUNK);

		for (size_t at = 0; chunk && at < POOL_CHUNK; at += (size_t)1 << class)
			pool_put(class, chunk + at);
	}
	p = pool[class];
	if (p)
		pool[class] = p->next;
	pool_release();
	if (p)
		memset(p, 0, bytes);
	return p;
}

void pool_free(void *p, size_t bytes)
{
	unsigned class = pool_class(bytes);

	if (class > POOL_LARGEST) {
		memory_unmap(p, bytes);
		return;
	}
	pool_hold();
	pool_put(class, p);
	pool_release();
}

/*
 * What the compiler may call even in freestanding code, and the little more that is needed of libc;
 * memcpy() is in arch/.
 */

void *memset(void *dst, int byte, size_t n)
{
	bytes_fill(dst, byte, n);
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	uint8_t *d = dst;
	const uint8_t *s = src;

	if (d <= s || d >= s + n) {
		bytes_copy(dst, src, n);
		return dst;
	}
	while (n--) {
		d[n] = s[n];
		__asm__ volatile("" : : : "memory");
	}
	return dst;
}

static uint64_t differ(const void *a, const void *b)
{
	typedef const uint64_t __attribute__((aligned(1), may_alias)) word;

	return *(word *)a ^ *(word *)b;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (; n >= 32; x += 32, y += 32, n -= 32) {
		if (differ(x, y) | differ(x + 8, y + 8) | differ(x + 16, y + 16) |
		    differ(x + 24, y + 24))
			break;
	}
	for (; n >= 8 && !differ(x, y); x += 8, y += 8)
		n -= 8;
	for (; n; n--, x++, y++) {
		if (*x != *y)
			return *x < *y ? -1 : 1;
	}
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++) {
		if (*a != *b)
			return (unsigned char)*a - (unsigned char)*b;
		if (!*a)
			break;
	}
	return 0;
}

char *strstr(const char *haystack, const char *needle)
{
	size_t n = strlen(needle);

	for (; *haystack; haystack++) {
		if (!strncmp(haystack, needle, n))
			return (char *)haystack;
	}
	return n ? NULL : (char *)haystack;
}
