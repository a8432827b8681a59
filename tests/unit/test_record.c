/* SPDX-License-Identifier: MIT */
/* Every class of header that no leader writes is refused, and nothing that one may write. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "transport/record.h"

#define LIMIT 4096u
#define HEADER ((uint32_t)sizeof(struct record))

static int check(uint32_t size, unsigned kind, unsigned flags, uint32_t args)
{
	struct record r = {
		.size = size, .kind = (uint8_t)kind, .flags = (uint8_t)flags, .args = args};

	return record_check(&r, LIMIT);
}

static void headers_of_every_kind(void **state)
{
	(void)state;
	for (unsigned kind = RECORD_PAD + 1; kind < RECORD_KINDS; kind++) {
		assert_int_equal(check(HEADER, kind, 0, 0), 0);
		assert_int_equal(check(HEADER + 8, kind, 0, 0), 0);
		assert_int_equal(check(LIMIT, kind, 0, 0), 0);
	}
}

static void kinds_that_do_not_exist(void **state)
{
	(void)state;
	assert_int_equal(check(HEADER, RECORD_PAD, 0, 0), -EPROTO);
	for (unsigned kind = RECORD_KINDS; kind <= UINT8_MAX; kind++)
		assert_int_equal(check(HEADER, kind, 0, 0), -EPROTO);
}

static void sizes(void **state)
{
	(void)state;
	for (uint32_t size = 0; size <= LIMIT + 64; size++) {
		int good = size >= HEADER && size <= LIMIT && size % 8 == 0;

		assert_int_equal(check(size, RECORD_CALL, 0, 0), good ? 0 : -EPROTO);
	}
	assert_int_equal(check(UINT32_MAX, RECORD_CALL, 0, 0), -EPROTO);
	assert_int_equal(check(UINT32_MAX - 7, RECORD_CALL, 0, 0), -EPROTO);
	assert_int_equal(check(1u << 31, RECORD_CALL, 0, 0), -EPROTO);
}

static void arguments_fit(void **state)
{
	(void)state;
	for (uint32_t room = 0; room <= 64; room += 8)
		for (uint32_t args = 0; args <= 80; args++)
			assert_int_equal(check(HEADER + room, RECORD_ENTER, 0, args),
					 args <= room ? 0 : -EPROTO);
	/* lengths that are small again when they are rounded up or the header is added */
	for (uint32_t args = UINT32_MAX; args > UINT32_MAX - 64; args--)
		assert_int_equal(check(LIMIT, RECORD_CALL, 0, args), -EPROTO);
}

/* With the largest limit there is, sums must not wrap. */
static void no_limit(void **state)
{
	struct record r = {.size = UINT32_MAX - 7, .kind = RECORD_CALL};

	(void)state;
	assert_int_equal(record_check(&r, UINT64_MAX), 0);
	r.args = r.size - HEADER;
	assert_int_equal(record_check(&r, UINT64_MAX), 0);
	for (; r.args; r.args++)
		if (r.args > r.size - HEADER)
			assert_int_equal(record_check(&r, UINT64_MAX), -EPROTO);
}

static void hashes(void **state)
{
	(void)state;
	for (uint32_t args = 0; args <= 64; args++)
		assert_int_equal(check(HEADER + 64, RECORD_CALL, RECORD_HASHED, args),
				 args == 16 ? 0 : -EPROTO);
	assert_int_equal(check(HEADER + 8, RECORD_CALL, RECORD_HASHED, 16), -EPROTO);
}

/* The header is looked at and left alone. */
static void nothing_is_written(void **state)
{
	struct record r, before;

	(void)state;
	for (unsigned fill = 0; fill < 256; fill++) {
		memset(&r, (int)fill, sizeof(r));
		before = r;
		record_check(&r, LIMIT);
		assert_memory_equal(&r, &before, sizeof(r));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_of_every_kind),
		cmocka_unit_test(kinds_that_do_not_exist),
		cmocka_unit_test(sizes),
		cmocka_unit_test(arguments_fit),
		cmocka_unit_test(no_limit),
		cmocka_unit_test(hashes),
		cmocka_unit_test(nothing_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
