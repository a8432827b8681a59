/* SPDX-License-Identifier: MIT */
/*
 * The program's allocator may be another one in each variant (a follower preloads it). So what it
 * does is each variant's own: its locks have no order that twins share (order.h), its looks at
 * the clock are answered at once (clocks.c), its other calls are of class private anyway. What
 * libc's own allocator would ask the world for when it is first used, or first used by a second
 * thread, is asked before the start, when nothing is compared yet.
 */
#include <pthread.h>
#include <sys/syscall.h>

#include "allocator.h"
#include "interpose/maps.h"
#include "order.h"

#define ARENA_MAX (-8) /* M_ARENA_MAX of <malloc.h> */
#define ARENAS_A_CORE 8

extern void *malloc(size_t);
extern void free(void *);
extern char *getenv(const char *);

struct code {
	uintptr_t address;
	uintptr_t start, end;
};

/* Of an array that ends with an address of 0. */
static int around(const struct mapping *m, void *arg)
{
	for (struct code *c = arg; c->address; c++) {
		if (c->address >= m->start && c->address < m->end) {
			c->start = m->start;
			c->end = m->end;
		}
	}
	return 0;
}

/* libc limits its arenas by the number of cores, which it asks for when it has made a few. */
static void limit_arenas(void)
{
	int (*mallopt)(int, int) = libc_symbol("mallopt");
	const char *tunables = getenv("GLIBC_TUNABLES");
	uint64_t set[128] = {0};
	long bytes;
	int cores = 0;

	if (getenv("MALLOC_ARENA_MAX") || (tunables && strstr(tunables, "glibc.malloc.arena_max")))
		return;
	bytes = sys(SYS_sched_getaffinity, 0, sizeof(set), set);
	for (long i = 0; i < bytes / 8; i++) {
		for (uint64_t left = set[i]; left; left &= left - 1)
			cores++;
	}
	mallopt(ARENA_MAX, ARENAS_A_CORE * (cores ? cores : 2));
}

void allocator_start(void)
{
	int (*malloc_trim)(size_t) = libc_symbol("malloc_trim");
	struct code code[] = {{.address = (uintptr_t)libc_symbol("malloc")},
			      {.address = (uintptr_t)libc_symbol("__libc_start_main")},
			      {0}};

	maps_each(around, code);
	if (code[0].start != code[1].start) {
		variant.allocator = code[0].start;
		variant.allocator_bytes = code[0].end - code[0].start;
	}
	variant.libc = code[1].start;
	variant.libc_bytes = code[1].end - code[1].start;
	variant.libc_syscall = (uintptr_t)libc_symbol("syscall");
	limit_arenas();
	malloc_trim(0); /* libc's, even if nobody allocates from it: a program may call mallopt */
	free(malloc(1));
}

/* The allocator's own threads, with which it gives memory back. */
PUBLIC int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attr,
			  void *(*routine)(void *), void *restrict arg)
{
	struct thread *t;
	int result;

	if (!is_allocator(__builtin_return_address(0)))
		return REAL(pthread_create)(thread, attr, routine, arg);
	t = thread_self();
	t->starts_apart = true;
	result = REAL(pthread_create)(thread, attr, routine, arg);
	t->starts_apart = false;
	return result;
}
