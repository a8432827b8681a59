/* SPDX-License-Identifier: MIT */
/*
 * Packing, as the tests of it use it: what a leader and a follower do with one call. The leader
 * packs, executes from the packed copy and packs what was written; the follower packs its own
 * arguments, which must be the same bytes, and takes the outputs.
 */
#ifndef TANDEM_TESTS_PACK_HOST_H
#define TANDEM_TESTS_PACK_HOST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "syscalls/pack.h"

#define ROW(name) (&call_table[CALL_##name])
#define P(pointer) ((uint64_t)(uintptr_t)(pointer))
#define ARGS(...)                                                                                  \
	(const uint64_t[6])                                                                        \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define BAD ((void *)8)

struct packed {
	struct pack p;
	uint8_t *out;
	long out_bytes;
	long result;
};

/*
 * Packs with buffers that start too small and grow as asked, exactly to what is asked. Returns
 * what pack_args() does; k is the caller's, and its buffers until packed_free().
 */
int pack_call(struct packed *k, const struct call_row *row, const uint64_t args[6]);
void packed_free(struct packed *k);

/* The items of packed arguments are as many bytes as there are. */
void assert_items(const struct call_row *row, const struct packed *k);

/* As the leader: packs and executes; the result of the real call. */
long lead(struct packed *k, const struct call_row *row, const uint64_t args[6]);
/* Behind it: packs what the call wrote, from a copy whose arguments have moved. */
void outputs(struct packed *k, const struct call_row *row, const uint64_t args[6]);
/* The leader with its arguments, then a follower with its own: returns the result. */
long both(const struct call_row *row, const uint64_t leader[6], const uint64_t follower[6]);

/* Two variants' arguments are the same call, or differ first in this argument, at this offset. */
void same(const struct call_row *row, const uint64_t a[6], const uint64_t b[6]);
void different(const struct call_row *row, const uint64_t a[6], const uint64_t b[6], int want_arg,
	       size_t want_offset);

#endif
