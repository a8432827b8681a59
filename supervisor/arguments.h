/* SPDX-License-Identifier: MIT */
/*
 * A call's packed arguments in words (monitor/syscalls/pack.h), one by one. They come from a
 * variant: malformed ones are said to be so, and everything that isn't printable is escaped.
 */
#ifndef TANDEM_SUPERVISOR_ARGUMENTS_H
#define TANDEM_SUPERVISOR_ARGUMENTS_H

#include <stdbool.h>

#include "../monitor/syscalls/pack.h"

/* Room for one argument; a report has it all, what is printed is cut around what differs. */
#define ARGUMENT_TEXT 8192
/* As many as a call can have: syscall()'s number and six behind it. */
#define ARGUMENTS_MOST 7

/*
 * The row of a call with its arguments as a variant says it has packed them (a hook may know better
 * than the table), where that makes sense; arg may be NULL. NULL: no such call.
 */
const struct call_row *arguments_refine(uint32_t call, const struct arg_desc *arg,
					struct call_row *copy);

/*
 * The row as it fits the packed bytes, where a hook has packed an argument that the table leaves
 * out or takes for an address: for the call of another variant, whose row isn't known.
 */
const struct call_row *arguments_fit(const struct call_row *row, const uint8_t *packed,
				     size_t bytes, struct call_row *copy);

/* How many arguments a row has. */
int arguments_count(const struct call_row *row);

/* Is it a value itself, and not an address of something? */
bool arguments_is_scalar(const struct arg_desc *arg);

/* Words for each of them. bytes: those that are there, of `total`. Returns how many. */
int arguments_decode(const struct call_row *row, const uint8_t *packed, size_t bytes, size_t total,
		     char text[][ARGUMENT_TEXT]);

/*
 * The same from registers, where nothing was packed: "*" for memory, which isn't looked at. Of a
 * call without a row, `number` and what six registers hold.
 */
int arguments_registers(const struct call_row *row, int64_t number, const uint64_t args[6],
			char text[][ARGUMENT_TEXT]);

/* Nothing is known of them: "?" for each. */
int arguments_unknown(const struct call_row *row, char text[][ARGUMENT_TEXT]);

/*
 * Two texts in `room` characters and up to six dots each; longer ones from a little before
 * where they differ first.
 */
void arguments_around(const char *a, const char *b, size_t room, char *a_to, char *b_to);

/* "-1 ENOENT (No such file or directory)", or a number. */
void arguments_result(int64_t result, char *to, size_t size);

/* `bytes` as a C string with its quotes; "..." behind what doesn't fit. */
void arguments_quote(const uint8_t *bytes, size_t n, char *to, size_t size);

#endif
