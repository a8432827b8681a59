/* SPDX-License-Identifier: MIT */
/* Packing of what no good program passes and no honest leader writes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pack_host.h"

/* No supported row stumbles over NULLs, bad addresses or huge numbers. */
static void any_arguments(void **state)
{
	static const uint64_t values[] = {0,
					  1,
					  8,
					  3,
					  UINT64_MAX,
					  UINT32_MAX,
					  1ull << 63,
					  1025,
					  64,
					  0x7ffffffffff0,
					  0x8000000000000000};
	static uint64_t memory[512];

	(void)state;
	for (unsigned i = 0; i < CALL_COUNT; i++) {
		for (unsigned turn = 0; turn < 300; turn++) {
			uint64_t args[6];
			struct packed k;
			size_t bound;
			int error;

			for (int a = 0; a < 6; a++) {
				unsigned pick = (unsigned)random() % 16;

				args[a] = pick < 11 ? values[pick] : P(&memory[pick]);
			}
			for (int w = 0; w < 32; w++)
				memory[w] = values[random() % 8];
			error = pack_call(&k, &call_table[i], args);
			assert_true(error == 0 || error == -ENOSYS || error == -ENOSPC);
			if (!error) {
				assert_items(&call_table[i], &k);
				bound = pack_outputs_bound(&call_table[i], args, -EFAULT, &k.p);
				assert_true(bound <= 4096);
			}
			packed_free(&k);
		}
	}
}

static bool row_says_length(const struct call_row *row, int a)
{
	unsigned type = row->arg[a].type;

	return type == ARG_INT || type == ARG_UINT || type == ARG_LONG;
}

/* Bytes from another process: any row, any result, anything in the bytes. */
static void garbage(void **state)
{
	static uint64_t memory[4096];
	unsigned refused = 0, turns = 0;

	(void)state;
	for (unsigned i = 0; i < CALL_COUNT; i++) {
		for (unsigned turn = 0; turn < 500; turn++) {
			size_t bytes = (size_t)random() % 200;
			uint8_t *buf = malloc(bytes + 1);
			uint64_t args[6], word;
			size_t offset;
			int error, arg;

			/* in the middle, so that what is written stays inside */
			for (int a = 0; a < 6; a++)
				args[a] = P(&memory[1024 + random() % 64]);
			for (int a = 0; a < 6; a++)
				if (row_says_length(&call_table[i], a))
					args[a] = (uint64_t)random() % 64;
			for (int w = 0; w < 200; w++)
				memory[1024 + w] = (uint64_t)random() % 64;
			for (size_t b = 0; b < bytes; b++)
				buf[b] = (uint8_t)random();
			for (size_t b = 0; b + 8 <= bytes; b += 8) {
				word = random() % 4 ? (uint64_t)random() % 64
						    : PACK_NULL - (uint64_t)random() % 3;
				memcpy(buf + b, &word, 8);
			}
			error = unpack_outputs(&call_table[i], args, random() % 70 - 5, buf, bytes);
			assert_true(error == 0 || error == -EPROTO || error == -EFAULT);
			refused += error != 0;
			turns++;
			/* and a report about such bytes */
			pack_difference(&call_table[i], buf, bytes, buf + bytes / 2,
					bytes - bytes / 2, &arg, &offset);
			for (int a = 0; a < 6; a++)
				assert_true(pack_item(&call_table[i].arg[a], buf, bytes) <=
					    (long)bytes);
			free(buf);
		}
	}
	assert_true(refused > turns / 2);
}

/* Every cut and every changed length of a good record is noticed. */
static void cut_records(void **state)
{
	const struct call_row *row = ROW(read);
	char a[16], b[16];
	struct packed k;
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], "0123456789", 10), 10);
	assert_int_equal(lead(&k, row, ARGS((uint64_t)p[0], P(a), 16)), 10);
	outputs(&k, row, ARGS((uint64_t)p[0], P(a), 16));
	assert_int_equal(k.out_bytes, 24);
	for (size_t bytes = 0; bytes < 24; bytes++)
		assert_int_equal(
			unpack_outputs(row, ARGS((uint64_t)p[0], P(b), 16), 10, k.out, bytes),
			-EPROTO);
	for (long result = -1; result < 20; result++)
		assert_int_equal(
			unpack_outputs(row, ARGS((uint64_t)p[0], P(b), 16), result, k.out, 24),
			result == 10 ? 0 : -EPROTO);
	assert_int_equal(unpack_outputs(row, ARGS((uint64_t)p[0], P(BAD), 16), 10, k.out, 24),
			 -EFAULT);
	assert_int_equal(unpack_outputs(row, ARGS((uint64_t)p[0], 0, 16), 10, k.out, 24), -EPROTO);
	assert_int_equal(pack_outputs(row, ARGS((uint64_t)p[0], P(a), 16), 10, &k.p, k.out, 23),
			 -ENOSPC);
	/* memory that has gone meanwhile: the follower's stays */
	assert_int_equal(pack_outputs(row, ARGS((uint64_t)p[0], P(BAD), 16), 10, &k.p, k.out, 24),
			 8);
	memcpy(b, "unchanged", 10);
	assert_int_equal(unpack_outputs(row, ARGS((uint64_t)p[0], P(b), 16), 10, k.out, 8), 0);
	assert_string_equal(b, "unchanged");
	packed_free(&k);
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_arguments),
		cmocka_unit_test(garbage),
		cmocka_unit_test(cut_records),
	};

	srandom(1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
