/* SPDX-License-Identifier: MIT */
/* Every row of the table of calls: well-formed, and numbered as the kernel's headers say. */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../monitor/syscalls/table.h"

#define HEADER_LAST 450 /* of Linux 6.1; later numbers are the same on both ISAs */

static const struct call_row *row_of(const char *name)
{
	for (unsigned i = 0; i < CALL_COUNT; i++)
		if (strcmp(call_table[i].name, name) == 0)
			return &call_table[i];
	return NULL;
}

/* Argument types whose aux is the index of an argument, and which that may be. */
static bool length_of(const struct arg_desc *arg, const struct arg_desc *length)
{
	switch (arg->type) {
	case ARG_IOV_IN:
	case ARG_IOV_OUT:
		/* How many pieces need not be compared. */
		if (length->type == ARG_IGNORE)
			return true;
		/* fall through */
	case ARG_IN:
	case ARG_IN_VECTOR:
	case ARG_SOCKADDR_IN:
	case ARG_MMSG_IN:
	case ARG_OUT_RET:
	case ARG_OUT_LEN:
	case ARG_OUT_VECTOR:
	case ARG_MMSG_OUT:
	case ARG_POLLFDS:
	case ARG_FDSET:
	case ARG_IPC:
		return length->type == ARG_INT || length->type == ARG_UINT ||
		       length->type == ARG_LONG;
	case ARG_SOCKADDR_OUT:
	case ARG_OUT_VALUE:
		return length->type == ARG_SOCKLEN;
	case ARG_MODE:
		return arg->aux == 0 || (length->type == ARG_FLAGS && length->aux == FLAGS_OPEN);
	default:
		return true;
	}
}

static bool aux_is_index(unsigned type)
{
	return type != ARG_FLAGS && type != ARG_IN_FIXED && type != ARG_OUT_FIXED;
}

static void rows_are_well_formed(void **state)
{
	unsigned supported = 0;

	(void)state;
	for (unsigned i = 0; i < CALL_COUNT; i++) {
		const struct call_row *row = &call_table[i];
		bool ended = false;

		assert_true(row->class <= CALL_BOTH);
		assert_in_range(row->level, LEVEL_BASE, LEVEL_FD_RW);
		assert_true(row->result <= RESULT_NEVER);
		assert_true(row->kind <= FD_OTHER);
		assert_true(row->hook < HOOK_COUNT);
		assert_true((row->number_x86_64 >= 0 || row->number_aarch64 >= 0) ==
			    (i != CALL_syscall));
		supported += row->class != CALL_UNSUPPORTED;
		if (row->flags & CALL_OPTIONAL)
			assert_int_equal(row->class, CALL_UNSUPPORTED);
		if (row->flags & CALL_RESTARTS)
			assert_true(row->flags & CALL_BLOCKS);
		/* A descriptor that is made has a kind, unless it is another one's copy. */
		if (row->class != CALL_UNSUPPORTED && row->result == RESULT_FD)
			assert_true((row->kind != FD_CLOSED) == (row->hook != HOOK_dup));
		if (row->level == LEVEL_FD_RO || row->level == LEVEL_FD_RW)
			assert_int_equal(row->arg[0].type, ARG_FD);
		for (unsigned a = 0; a < 6; a++) {
			const struct arg_desc *arg = &row->arg[a];

			assert_true(arg->type <= ARG_FDSET);
			if (arg->type == ARG_NONE)
				ended = true;
			else if (ended)
				fail_msg("%s: argument %u behind the last", row->name, a);
			if (arg->type == ARG_FLAGS)
				assert_true(arg->aux < FLAGS_COUNT);
			if (arg->type == ARG_OUT_FIXED)
				assert_true(arg->aux <= OUT_UNLESS_EFAULT);
			if (arg->type == ARG_IN_FIXED)
				assert_true(arg->aux <= arg->size);
			if (arg->type == ARG_IN_FIXED || arg->type == ARG_OUT_FIXED ||
			    arg->type == ARG_INOUT_FIXED || arg->type == ARG_IN_VECTOR ||
			    arg->type == ARG_OUT_VECTOR)
				assert_true(arg->size > 0);
			if (aux_is_index(arg->type) &&
			    (arg->aux >= 6 || !length_of(arg, &row->arg[arg->aux])))
				fail_msg("%s: argument %u points to one that is no length",
					 row->name, a);
		}
	}
	assert_true(supported >= 230);
}

static void numbers_are_unique(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CALL_COUNT; i++) {
		for (unsigned k = 0; k < i; k++) {
			const struct call_row *a = &call_table[i], *b = &call_table[k];

			assert_true(a->number_x86_64 < 0 || a->number_x86_64 != b->number_x86_64);
			assert_true(a->number_aarch64 < 0 ||
				    a->number_aarch64 != b->number_aarch64);
			assert_string_not_equal(a->name, b->name);
		}
	}
}

static void rows_are_found_by_number(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CALL_COUNT; i++) {
		assert_ptr_equal(call_row(i), &call_table[i]);
		if (call_number(&call_table[i]) >= 0)
			assert_ptr_equal(call_by_number(call_number(&call_table[i])),
					 &call_table[i]);
	}
	assert_null(call_row(CALL_COUNT));
	assert_null(call_by_number(-1));
	assert_null(call_by_number(400));
	assert_null(call_by_number(511));
	assert_null(call_by_number(512));
	assert_null(call_by_number(1 << 20));
	assert_null(call_by_number(0x40000000)); /* x32 */
}

/* Under which word tandem.cfg(5) lists a call. */
static const char *list_of(const struct call_row *row)
{
	static const char *const levels[] = {
		[LEVEL_BASE] = "BASE",
		[LEVEL_NONSOCKET_RO] = "NONSOCKET_RO",
		[LEVEL_NONSOCKET_RW] = "NONSOCKET_RW",
		[LEVEL_SOCKET_RO] = "SOCKET_RO",
		[LEVEL_SOCKET_RW] = "SOCKET_RW",
		[LEVEL_SOCKET_RW_OC] = "SOCKET_RW_OC",
		[LEVEL_ALWAYS] = "ALWAYS",
		[LEVEL_FD_RO] = "FD_RO",
		[LEVEL_FD_RW] = "FD_RW",
	};

	if (row->class == CALL_UNSUPPORTED)
		return row->flags & CALL_OPTIONAL ? "OPTIONAL" : "UNSUPPORTED";
	return row->class == CALL_PRIVATE ? "PRIVATE" : levels[row->level];
}

/* The manual's lists are between ".\" calls WORD" and ".\" end"; each call is in the right one. */
static void manual_lists_all_calls(void **state)
{
	static unsigned listed[CALL_COUNT];
	char line[512], list[32] = "";
	FILE *manual = fopen("docs/man/tandem.cfg.5", "re");

	(void)state;
	assert_non_null(manual);
	while (fgets(line, sizeof(line), manual)) {
		if (line[0] == '.') {
			if (sscanf(line, ".\\\" calls %31s", list) != 1)
				*list = 0;
			continue;
		}
		for (char *name = strtok(line, ",. \n"); name && *list;
		     name = strtok(NULL, ",. \n")) {
			const struct call_row *row = row_of(name);

			if (!row || strcmp(list_of(row), list) != 0)
				fail_msg("tandem.cfg(5) has %s under %s; it belongs under %s", name,
					 list, row ? list_of(row) : "none");
			listed[row - call_table]++;
		}
	}
	fclose(manual);
	for (unsigned i = 0; i < CALL_COUNT; i++) {
		if (i != CALL_syscall && listed[i] != 1)
			fail_msg("tandem.cfg(5) has %s %u times; it belongs under %s",
				 call_table[i].name, listed[i], list_of(&call_table[i]));
	}
}

struct name {
	char name[64];
	int number;
};

/* "#define __NR_name number" lines; 3264 names take the second column of arm64's choice. */
static int header(const char *const *paths, struct name *names, int max)
{
	char line[512], name[128], value[128];
	int n = 0;
	FILE *f = NULL;

	for (; *paths && !f; paths++)
		f = fopen(*paths, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		const char *start;

		if (sscanf(line, "#define %127s %127s", name, value) != 2 || value[0] < '0' ||
		    value[0] > '9')
			continue;
		if (strncmp(name, "__NR_", 5) == 0)
			start = name + 5;
		else if (strncmp(name, "__NR3264_", 9) == 0)
			start = name + 9;
		else
			continue;
		assert_true(n < max);
		snprintf(names[n].name, sizeof(names[n].name), "%.63s", start);
		names[n++].number = atoi(value);
	}
	fclose(f);
	return n;
}

static void numbers_are_x86_64s(void **state)
{
	static const char *const paths[] = {"/usr/include/x86_64-linux-gnu/asm/unistd_64.h",
					    "/usr/include/asm/unistd_64.h", NULL};
	static struct name names[600];
	int n = header(paths, names, 600);

	(void)state;
	assert_true(n > 350);
	for (int i = 0; i < n; i++) {
		const struct call_row *row = row_of(names[i].name);

		if (!row || row->number_x86_64 != names[i].number)
			fail_msg("%s has x86-64's number %d", names[i].name, names[i].number);
	}
	for (unsigned i = 0; i < CALL_COUNT; i++) {
		int k = 0;

		if (call_table[i].number_x86_64 < 0 || call_table[i].number_x86_64 > HEADER_LAST)
			continue;
		while (k < n && strcmp(names[k].name, call_table[i].name) != 0)
			k++;
		if (k == n)
			fail_msg("%s is no call of x86-64's", call_table[i].name);
	}
}

static void numbers_are_aarch64s(void **state)
{
	static const char *const paths[] = {"/usr/include/asm-generic/unistd.h", NULL};
	static struct name names[600];
	int n = header(paths, names, 600);
	const struct call_row *row;

	(void)state;
	assert_true(n > 280);
	for (int i = 0; i < n; i++) {
		/* 64-bit times for 32-bit ISAs, and room for an architecture's own */
		if ((names[i].number >= 403 && names[i].number <= 423) ||
		    strcmp(names[i].name, "arch_specific_syscall") == 0 ||
		    strcmp(names[i].name, "syscalls") == 0 ||
		    strcmp(names[i].name, "sync_file_range2") == 0)
			continue;
		/* a 3264 name that arm64 calls otherwise */
		if (strcmp(names[i].name, "fstatat") == 0)
			row = row_of("newfstatat");
		else
			row = row_of(names[i].name);
		if (!row || row->number_aarch64 != names[i].number)
			fail_msg("%s has aarch64's number %d", names[i].name, names[i].number);
	}
	for (unsigned i = 0; i < CALL_COUNT; i++) {
		int k = 0;

		row = &call_table[i];
		if (row->number_aarch64 < 0 || row->number_aarch64 > HEADER_LAST)
			continue;
		while (k < n && names[k].number != row->number_aarch64)
			k++;
		if (k == n)
			fail_msg("%s is no call of aarch64's", row->name);
	}
}

static void canonical(const char *old, const uint64_t in[6], const char *now, const uint64_t out[6])
{
	uint64_t args[6];
	const struct call_row *row;

	memcpy(args, in, sizeof(args));
	row = call_canonicalise(row_of(old), args);
	assert_string_equal(row->name, now);
	assert_memory_equal(args, out, sizeof(args));
}

#define ARGS(...)                                                                                  \
	(const uint64_t[6])                                                                        \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define CWD ((uint64_t)AT_FDCWD)

static void old_forms_are_rewritten(void **state)
{
	(void)state;
	canonical("open", ARGS(1, 2, 3, 9, 9, 9), "openat", ARGS(CWD, 1, 2, 3));
	canonical("creat", ARGS(1, 0644, 9), "openat",
		  ARGS(CWD, 1, O_CREAT | O_WRONLY | O_TRUNC, 0644));
	canonical("stat", ARGS(1, 2), "newfstatat", ARGS(CWD, 1, 2, 0));
	canonical("lstat", ARGS(1, 2), "newfstatat", ARGS(CWD, 1, 2, AT_SYMLINK_NOFOLLOW));
	canonical("fork", ARGS(7, 7, 7), "clone", ARGS(SIGCHLD));
	canonical("vfork", ARGS(0), "clone", ARGS(CLONE_VFORK | CLONE_VM | SIGCHLD));
	canonical("dup2", ARGS(1, 2, 7), "dup3", ARGS(1, 2, 0));
	canonical("dup2", ARGS(4, 4, 7), "dup2", ARGS(4, 4, 7));
	canonical("epoll_create", ARGS(10), "epoll_create1", ARGS(0));
	canonical("epoll_create", ARGS(0), "epoll_create", ARGS(0));
	canonical("epoll_wait", ARGS(1, 2, 3, 4, 5, 6), "epoll_pwait", ARGS(1, 2, 3, 4, 0, 8));
	canonical("rename", ARGS(1, 2), "renameat2", ARGS(CWD, 1, CWD, 2, 0));
	canonical("renameat", ARGS(1, 2, 3, 4, 5), "renameat2", ARGS(1, 2, 3, 4, 0));
	canonical("rmdir", ARGS(1), "unlinkat", ARGS(CWD, 1, AT_REMOVEDIR));
	canonical("symlink", ARGS(1, 2), "symlinkat", ARGS(1, CWD, 2));
	canonical("lchown", ARGS(1, 2, 3), "fchownat", ARGS(CWD, 1, 2, 3, AT_SYMLINK_NOFOLLOW));
	canonical("read", ARGS(1, 2, 3, 4, 5, 6), "read", ARGS(1, 2, 3, 4, 5, 6));
}

/* A canonical form has the old one's nature, and isn't an old form itself. */
static void old_forms_keep_their_nature(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CALL_COUNT; i++) {
		uint64_t args[6] = {1, 2, 3, 4, 5, 6};
		const struct call_row *row = &call_table[i];
		const struct call_row *now = call_canonicalise(row, args);

		if (!(row->flags & CALL_OLD_FORM)) {
			assert_ptr_equal(now, row);
			continue;
		}
		assert_ptr_not_equal(now, row);
		assert_false(now->flags & CALL_OLD_FORM);
		assert_int_equal(now->class, row->class);
		assert_int_equal(now->level, row->level);
		assert_int_equal(now->result, row->result);
		assert_int_equal(now->kind, row->kind);
		assert_int_equal(now->hook, row->hook);
		assert_true(now->number_x86_64 >= 0 && now->number_aarch64 >= 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_well_formed),
		cmocka_unit_test(manual_lists_all_calls),
		cmocka_unit_test(numbers_are_unique),
		cmocka_unit_test(rows_are_found_by_number),
		cmocka_unit_test(numbers_are_x86_64s),
		cmocka_unit_test(numbers_are_aarch64s),
		cmocka_unit_test(old_forms_are_rewritten),
		cmocka_unit_test(old_forms_keep_their_nature),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
