/* SPDX-License-Identifier: MIT */
/*
 * Text in columns, for `tandem explain`: a name and two sides, as wide as the terminal (80 columns
 * when there is none), wrapped. Whatever isn't printable is shown as '?': the text may come from an
 * attacker and the screen is a terminal.
 */
#ifndef TANDEM_SUPERVISOR_COLUMNS_H
#define TANDEM_SUPERVISOR_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A name and one text. */
void columns_one(FILE *out, const char *name, const char *text);
/* A name and two; differ: with a mark between them. Lines may be broken by '\n'. */
void columns_two(FILE *out, const char *name, const char *left, const char *right, bool differ);
void columns_rule(FILE *out);
/* Two blocks of bytes, numbered from `from` on, differing ones marked with ">". */
void columns_bytes(FILE *out, const uint8_t *a, size_t a_bytes, const uint8_t *b, size_t b_bytes,
		   size_t from);

#endif
