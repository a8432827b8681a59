/* SPDX-License-Identifier: MIT */
/*
 * What an allocator says of its own state. That depends on the allocator, and on where its memory
 * lies: jemalloc has a table of 2 MiB for each GiB of addresses that it uses any of, and counts
 * it. So it is a question to the world, as one for the time is: the leader's allocator is asked,
 * and followers are told. Settings, and what changes anything, are each variant's own.
 *
 * Like those of locks.c these functions stand in front of others by symbol, and run as part of the
 * program. Where the allocator isn't jemalloc, its functions answer as for a name that it doesn't
 * know.
 */
#include <errno.h>
#include <malloc.h>
#include <unistd.h>

#include "order.h"

#define PIECE 256 /* of a text */

typedef void print_fn(void *arg, const char *text);

/* jemalloc's (<jemalloc/jemalloc.h>): they return their errors. */
extern int mallctl(const char *name, void *old, size_t *old_bytes, void *new, size_t new_bytes);
extern int mallctlnametomib(const char *name, size_t *mib, size_t *length);
extern int mallctlbymib(const size_t *mib, size_t length, void *old, size_t *old_bytes, void *new,
			size_t new_bytes);
extern void malloc_stats_print(print_fn *print, void *arg, const char *options);

/* The leader's answer becomes everybody's; in a process with one thread, too. */
static long told(long result, void *bytes, size_t size)
{
	struct thread *t = thread_self();

	if (t->process->leader) {
		leader_note(t, RECORD_SYNC, 0, result, bytes, size, false);
		return result;
	}
	result = monitor_sync();
	follower_held(t, bytes, size);
	acquired();
	return result;
}

/* By name or, if there is none, by mib. */
struct question {
	const char *name;
	const size_t *mib;
	size_t length;
};

static int ask(const struct question *q, void *old, size_t *old_bytes, void *new, size_t new_bytes)
{
	if (q->name)
		return BEHIND(mallctl)(q->name, old, old_bytes, new, new_bytes);
	return BEHIND(mallctlbymib)(q->mib, q->length, old, old_bytes, new, new_bytes);
}

/* All below "stats" are numbers. */
static bool is_statistic(const struct question *q)
{
	size_t stats[2], n = 2;

	if (q->name)
		return strncmp(q->name, "stats.", 6) == 0;
	return q->length && BEHIND(mallctlnametomib)("stats.active", stats, &n) == 0 &&
	       q->mib[0] == stats[0];
}

static int control(const struct question *q, void *old, size_t *old_bytes, void *new,
		   size_t new_bytes, const void *caller)
{
	uint64_t value = 0;
	int error = 0;

	if (!BEHIND(mallctl))
		return ENOENT;
	/* jemalloc asks itself, too, for what it prints. */
	if (!variant.running || is_allocator(caller) || !old || !old_bytes ||
	    *old_bytes > sizeof(value) || new || !is_statistic(q))
		return ask(q, old, old_bytes, new, new_bytes);
	if (leads())
		error = ask(q, &value, old_bytes, NULL, 0);
	error = (int)told(error, &value, sizeof(value));
	if (!error) /* then the room was as large as the number */
		memcpy(old, &value, *old_bytes);
	return error;
}

PUBLIC int mallctl(const char *name, void *old, size_t *old_bytes, void *new, size_t new_bytes)
{
	return control(&(struct question){.name = name}, old, old_bytes, new, new_bytes,
		       __builtin_return_address(0));
}

PUBLIC int mallctlnametomib(const char *name, size_t *mib, size_t *length)
{
	return BEHIND(mallctlnametomib) ? BEHIND(mallctlnametomib)(name, mib, length) : ENOENT;
}

PUBLIC int mallctlbymib(const size_t *mib, size_t length, void *old, size_t *old_bytes, void *new,
			size_t new_bytes)
{
	return control(&(struct question){.mib = mib, .length = length}, old, old_bytes, new,
		       new_bytes, __builtin_return_address(0));
}

struct printer {
	print_fn *print;
	void *arg;
};

static void print_error(void *unused, const char *text)
{
	(void)unused;
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return; /* as jemalloc does */
}

/* The leader's, called by jemalloc. */
static void print_told(void *arg, const char *text)
{
	const struct printer *p = arg;
	size_t left = strlen(text), n;

	for (; left; left -= n, text += n) {
		char piece[PIECE] = "";

		n = left < PIECE ? left : PIECE - 1;
		memcpy(piece, text, n);
		told((long)n, piece, sizeof(piece));
		p->print(p->arg, piece);
	}
}

PUBLIC void malloc_stats_print(print_fn *print, void *arg, const char *options)
{
	struct printer p = {.print = print ?: print_error, .arg = arg};
	char piece[PIECE] = "";

	if (!BEHIND(malloc_stats_print))
		return;
	if (!variant.running) {
		BEHIND(malloc_stats_print)(print, arg, options);
	} else if (leads()) {
		BEHIND(malloc_stats_print)(print_told, &p, options);
		told(0, piece, sizeof(piece));
	} else {
		while (told(0, piece, sizeof(piece))) {
			piece[PIECE - 1] = 0;
			p.print(p.arg, piece);
		}
	}
}

/* libc's, and what other allocators have in its place. */
#define INFO(type, name)                                                                           \
	PUBLIC type name(void)                                                                     \
	{                                                                                          \
		type (*real)(void) = FOUND(#name);                                                 \
		type info = {0};                                                                   \
                                                                                                   \
		if (!variant.running)                                                              \
			return real();                                                             \
		if (leads())                                                                       \
			info = real();                                                             \
		told(0, &info, sizeof(info));                                                      \
		return info;                                                                       \
	}

INFO(struct mallinfo, mallinfo)
INFO(struct mallinfo2, mallinfo2)
