/* SPDX-License-Identifier: MIT */
/*
 * docs/protocol.md and docs/protocol-rdma.md against the structures that are sent: what a table
 * says of a field is where the compiler has it, and no field is left out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "supervisor/message.h"
#include "supervisor/parameters.h"
#include "transport/frame.h"
#include "transport/handshake.h"
#include "transport/rdma.h"
#include "transport/seal.h"

#define LINE 1024
#define ROWS 64

struct row {
	char cell[3][128]; /* offset, bytes, field */
};

/* The rows of numbers below a heading, or one that begins like it. */
static unsigned read_table(const char *path, const char *heading, struct row row[ROWS])
{
	FILE *in = fopen(path, "re");
	bool inside = false;
	char line[LINE];
	unsigned n = 0;

	if (!in)
		fail_msg("%s can't be opened: run this from the top directory", path);
	while (fgets(line, sizeof(line), in)) {
		if (*line == '#') {
			inside = !strncmp(line + strspn(line, "# "), heading, strlen(heading));
		} else if (inside && line[0] == '|' && line[2] >= '0' && line[2] <= '9') {
			assert_true(n < ROWS);
			memset(&row[n], 0, sizeof(row[n]));
			sscanf(line, "| %127[^|]| %127[^|]| %127[^|]|", row[n].cell[0],
			       row[n].cell[1], row[n].cell[2]);
			n++;
		}
	}
	fclose(in);
	if (!n)
		fail_msg("%s has no table below %s", path, heading);
	return n;
}

struct field {
	const char *name;
	size_t offset, bytes;
};

#define FIELD_AT(base, type, member)                                                               \
	{                                                                                          \
#member, (base) + offsetof(type, member), sizeof(((type *)0)->member)              \
	}
#define FIELD(type, member) FIELD_AT(0, type, member)

/* A field that a row names. Several share one: "4, 4" bytes of "stack, frame". */
static void expect_field(const char *heading, const struct field *fields, size_t count,
			 const char *name, size_t offset, size_t bytes)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(fields[i].name, name) != 0 || fields[i].offset != offset)
			continue;
		if (fields[i].bytes != bytes)
			fail_msg("%s: %s has %zu bytes, not %zu", heading, name, fields[i].bytes,
				 bytes);
		return;
	}
	fail_msg("%s: there is no field %s at %zu", heading, name, offset);
}

static size_t expect_row(const char *heading, const struct field *fields, size_t count,
			 struct row *row)
{
	char *names = row->cell[2], *sizes = row->cell[1], *name, *size;
	size_t at = strtoul(row->cell[0], NULL, 10), named = 0;

	while ((name = strsep(&names, ", \n"))) {
		if (!*name)
			continue;
		do
			size = strsep(&sizes, ", \n");
		while (size && !*size);
		assert_non_null(size);
		expect_field(heading, fields, count, name, at, strtoul(size, NULL, 10));
		at += strtoul(size, NULL, 10);
		named++;
	}
	return named;
}

static void expect_table(const char *path, const char *heading, const struct field *fields,
			 size_t count)
{
	struct row row[ROWS];
	unsigned rows = read_table(path, heading, row);
	size_t named = 0;

	for (unsigned i = 0; i < rows; i++)
		named += expect_row(heading, fields, count, &row[i]);
	if (named != count)
		fail_msg("%s: %zu fields are described, of %zu", heading, named, count);
}

#define TABLE(path, heading, fields)                                                               \
	expect_table("docs/" path, heading, fields, sizeof(fields) / sizeof(*(fields)))

static void test_hello(void **state)
{
	static const struct field hello[] = {
		FIELD(struct hello, magic),     FIELD(struct hello, version),
		FIELD(struct hello, abilities), FIELD(struct hello, public),
		FIELD(struct hello, nonce),     FIELD(struct hello, mac),
	};

	(void)state;
	TABLE("protocol.md", "hello", hello);
	assert_int_equal(sizeof(struct hello), 112);
	assert_int_equal(HANDSHAKE_VERSION, 1);
}

static void test_message_header(void **state)
{
	static const struct field message[] = {
		FIELD(struct message, kind),
		FIELD(struct message, stream),
		FIELD(struct message, status),
		FIELD(struct message, unused),
	};

	(void)state;
	/* The second table of each has types and kinds: below. */
	TABLE("protocol.md", "Message header", message);
	assert_int_equal(sizeof(struct message), 16);
	assert_int_equal(MESSAGE_MOST, 1 << 20);
	assert_int_equal(ENGINE_MESSAGE - sizeof(struct message), 65520);
}

static void test_frame_header(void **state)
{
	static const struct field frame[] = {
		FIELD(struct frame_header, size),   FIELD(struct frame_header, type),
		FIELD(struct frame_header, zero),   FIELD(struct frame_header, sequence),
		FIELD(struct frame_header, stream), FIELD(struct frame_header, position),
	};

	(void)state;
	TABLE("protocol.md", "Frame header", frame);
	assert_int_equal(FRAME_PAYLOAD, 65536);
	assert_int_equal(SEAL_PLAIN, 68608);
	assert_int_equal(SEAL_PLAIN + SEAL_TAG, 68624);
}

/* A table of numbers and names: what each number is called in the code. */
static void expect_names(const char *heading, const char *const *names, unsigned first,
			 unsigned end)
{
	struct row row[ROWS];
	unsigned rows = read_table("docs/protocol.md", heading, row);

	assert_int_equal(rows, end - first);
	for (unsigned i = first; i < end; i++) {
		struct row *r = &row[i - first];

		assert_int_equal(strtoul(r->cell[0], NULL, 10), i);
		r->cell[1][strcspn(r->cell[1], " ")] = 0;
		assert_string_equal(r->cell[1], names[i]);
	}
}

static void test_frame_types(void **state)
{
#define NAME(x) [FRAME_##x] = #x
	static const char *const names[] = {NAME(BYTES), NAME(WANT), NAME(STREAMS),
					    NAME(TAIL),  NAME(HALT), NAME(MESSAGE),
					    NAME(PING),  NAME(PONG), NAME(BYE)};
#undef NAME

	(void)state;
	expect_names("Frame types", names, FRAME_BYTES, FRAME_TYPES);
}

static void test_message_kinds(void **state)
{
#define NAME(x) [MESSAGE_##x] = #x
	static const char *const names[] = {
		NAME(PARAMETERS), NAME(PREPARED), NAME(LAUNCH), NAME(READY),  NAME(PROCESS),
		NAME(ENDED),      NAME(NEVER),    NAME(OVER),   NAME(SIGNAL), NAME(ASK),
		NAME(ANSWER),     NAME(DIVERGED), NAME(FAILED), NAME(DONE),   NAME(FREEZE),
		NAME(EVIDENCE),   NAME(END)};
#undef NAME

	(void)state;
	expect_names("Message kinds", names, MESSAGE_PARAMETERS, MESSAGE_KINDS);
}

static void test_parameters(void **state)
{
	static const struct field parameters[] = {
		FIELD(struct parameters, random),      FIELD(struct parameters, hash_secret),
		FIELD(struct parameters, mask),        FIELD(struct parameters, user),
		FIELD(struct parameters, group),       FIELD(struct parameters, strings),
		FIELD(struct parameters, descriptors),
	};

	(void)state;
	TABLE("protocol.md", "PARAMETERS", parameters);
	assert_int_equal(sizeof(struct parameters), 232);
}

#define STATE(member)                                                                              \
	FIELD_AT(offsetof(struct process_message, state), struct process_state, member)

static void test_process(void **state)
{
	static const struct field process[] = {
		FIELD(struct process_message, life),
		FIELD(struct process_message, wait_status),
		{"state", offsetof(struct process_message, state),
		 offsetof(struct process_state, program)},
		STATE(phase),
		STATE(pid),
		STATE(vpid),
		STATE(parent),
		STATE(threads),
		STATE(in_call),
		STATE(waiting),
		STATE(exit_status),
		STATE(fault),
		STATE(calls_private),
		STATE(calls_world),
		STATE(calls_both),
		STATE(lockstep),
		STATE(records),
		STATE(bytes),
		STATE(lockstep_cycles),
		STATE(signals),
		STATE(patched),
		STATE(trapping),
		STATE(traps),
	};

	(void)state;
	TABLE("protocol.md", "PROCESS", process);
}

#define DIVERGED(member) FIELD(struct divergence, member)

static void test_diverged(void **state)
{
	static const struct field diverged[] = {
		DIVERGED(kind),          DIVERGED(stream),        DIVERGED(thread),
		DIVERGED(tid),           DIVERGED(own_call),      DIVERGED(leader_call),
		DIVERGED(own_result),    DIVERGED(leader_result), DIVERGED(position),
		DIVERGED(site),          DIVERGED(stack),         DIVERGED(frame),
		DIVERGED(number),        DIVERGED(args),          DIVERGED(own_bytes),
		DIVERGED(leader_bytes),  DIVERGED(leader_flags),  DIVERGED(leader_kind),
		DIVERGED(own_arg),       DIVERGED(differ_at),     DIVERGED(around_at),
		DIVERGED(around_own),    DIVERGED(around_leader), DIVERGED(own_around),
		DIVERGED(leader_around), DIVERGED(text),          DIVERGED(own),
		DIVERGED(leader),
	};

	(void)state;
	TABLE("protocol.md", "DIVERGED", diverged);
	assert_int_equal(sizeof(struct divergence), 33344);
}

static void test_freeze(void **state)
{
	static const struct field freeze[] = {
		FIELD(struct freeze_message, reporter),
		FIELD(struct freeze_message, stream),
		FIELD(struct freeze_message, thread),
	};

	(void)state;
	TABLE("protocol.md", "FREEZE", freeze);
}

static void test_rdma(void **state)
{
	static const struct field hello[] = {
		FIELD(struct rdma_hello, magic),   FIELD(struct rdma_hello, family),
		FIELD(struct rdma_hello, zero),    FIELD(struct rdma_hello, port),
		FIELD(struct rdma_hello, address), FIELD(struct rdma_hello, token),
	};
	static const struct field word[] = {
		FIELD(struct rdma_word, type),   FIELD(struct rdma_word, zero),
		FIELD(struct rdma_word, stream), FIELD(struct rdma_word, position),
		FIELD(struct rdma_word, key),    FIELD(struct rdma_word, bytes),
	};

	(void)state;
	TABLE("protocol-rdma.md", "Connection", hello);
	TABLE("protocol-rdma.md", "Words", word);
	assert_int_equal(sizeof(struct rdma_hello), 44);
	assert_int_equal(sizeof(struct rdma_word), 24);
	assert_int_equal(RDMA_PART, 4072);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hello),         cmocka_unit_test(test_frame_header),
		cmocka_unit_test(test_frame_types),   cmocka_unit_test(test_message_header),
		cmocka_unit_test(test_message_kinds), cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_process),       cmocka_unit_test(test_diverged),
		cmocka_unit_test(test_freeze),        cmocka_unit_test(test_rdma),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
