/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pack_host.h"

int pack_call(struct packed *k, const struct call_row *row, const uint64_t args[6])
{
	int error;

	memset(k, 0, sizeof(*k));
	for (int tries = 0;; tries++) {
		error = pack_args(row, args, &k->p);
		if (error != -ENOSPC)
			break;
		/* a program may well ask for 2 GiB, a test need not */
		if (k->p.needed > 1 << 24)
			break;
		assert_true(tries < 2);
		assert_true(k->p.needed > k->p.capacity ||
			    k->p.needed_scratch > k->p.scratch_capacity);
		free(k->p.buf);
		free(k->p.scratch);
		k->p.capacity = k->p.needed;
		k->p.scratch_capacity = k->p.needed_scratch;
		k->p.buf = malloc(k->p.capacity + 1);
		k->p.scratch = malloc(k->p.scratch_capacity + 1);
	}
	if (!error)
		assert_true(k->p.size % 8 == 0);
	return error;
}

void packed_free(struct packed *k)
{
	free(k->p.buf);
	free(k->p.scratch);
	free(k->out);
}

void assert_items(const struct call_row *row, const struct packed *k)
{
	size_t at = 0;

	for (int i = 0; i < 6; i++) {
		long item = pack_item(&row->arg[i], k->p.buf + at, k->p.size - at);

		assert_true(item >= 0);
		at += (size_t)item;
	}
	assert_int_equal(at, k->p.size);
}

void outputs(struct packed *k, const struct call_row *row, const uint64_t args[6])
{
	size_t bound = pack_outputs_bound(row, args, k->result, &k->p);
	uint8_t *moved = malloc(k->p.size + 1);

	/* buf may move meanwhile */
	memset(k->p.buf, 0xee, k->p.size);
	free(k->p.buf);
	k->p.buf = moved;
	k->out = malloc(bound + 1);
	k->out_bytes = pack_outputs(row, args, k->result, &k->p, k->out, bound);
	assert_in_range(k->out_bytes, 0, bound);
}

long lead(struct packed *k, const struct call_row *row, const uint64_t args[6])
{
	assert_int_equal(pack_call(k, row, args), 0);
	assert_items(row, k);
	k->result = syscall(call_number(row), k->p.exec[0], k->p.exec[1], k->p.exec[2],
			    k->p.exec[3], k->p.exec[4], k->p.exec[5]);
	if (k->result == -1)
		k->result = -errno;
	return k->result;
}

/* As a follower with arguments of its own: the same bytes, then the outputs. */
static void follow(const struct packed *k, const struct call_row *row, const uint64_t args[6],
		   const struct packed *leader_args)
{
	struct packed mine;
	size_t offset;
	int arg;

	assert_int_equal(pack_call(&mine, row, args), 0);
	if (pack_difference(row, leader_args->p.buf, leader_args->p.size, mine.p.buf, mine.p.size,
			    &arg, &offset))
		fail_msg("%s: argument %d differs at %zu", row->name, arg, offset);
	packed_free(&mine);
	assert_int_equal(unpack_outputs(row, args, k->result, k->out, (size_t)k->out_bytes), 0);
}

long both(const struct call_row *row, const uint64_t leader[6], const uint64_t follower[6])
{
	struct packed k, before;
	long result;

	assert_int_equal(pack_call(&before, row, leader), 0);
	result = lead(&k, row, leader);
	outputs(&k, row, leader);
	follow(&k, row, follower, &before);
	packed_free(&before);
	packed_free(&k);
	return result;
}

void same(const struct call_row *row, const uint64_t a[6], const uint64_t b[6])
{
	struct packed x, y;
	size_t offset;
	int arg;

	assert_int_equal(pack_call(&x, row, a), 0);
	assert_int_equal(pack_call(&y, row, b), 0);
	if (pack_difference(row, x.p.buf, x.p.size, y.p.buf, y.p.size, &arg, &offset))
		fail_msg("%s: argument %d differs at %zu", row->name, arg, offset);
	assert_int_equal(x.p.size, y.p.size);
	assert_memory_equal(x.p.buf, y.p.buf, x.p.size);
	packed_free(&x);
	packed_free(&y);
}

void different(const struct call_row *row, const uint64_t a[6], const uint64_t b[6], int want_arg,
	       size_t want_offset)
{
	struct packed x, y;
	size_t offset = 99;
	int arg = -1;

	assert_int_equal(pack_call(&x, row, a), 0);
	assert_int_equal(pack_call(&y, row, b), 0);
	assert_true(pack_difference(row, x.p.buf, x.p.size, y.p.buf, y.p.size, &arg, &offset));
	assert_int_equal(arg, want_arg);
	assert_int_equal(offset, want_offset);
	packed_free(&x);
	packed_free(&y);
}
