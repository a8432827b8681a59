/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer: what a report does with the arguments of two variants, any bytes: where they differ,
 * and what they are in words. The input: struct head, the first variant's bytes, the second's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/arguments.h"

struct head {
	uint16_t call;
	uint16_t first; /* bytes of the first variant */
	struct arg_desc arg[6];
};

/* Exactly as large: one byte too far is seen. */
static uint8_t *copy(const uint8_t *bytes, size_t n)
{
	uint8_t *p = malloc(n ? n : 1);

	if (!p)
		abort();
	memcpy(p, bytes, n);
	return p;
}

static void decode(const struct call_row *row, const uint8_t *p, size_t n)
{
	char text[ARGUMENTS_MOST][ARGUMENT_TEXT];
	int count = arguments_decode(row, p, n, n, text);

	if (count < 0 || count > ARGUMENTS_MOST)
		abort();
	for (int i = 0; i < count; i++)
		for (const char *c = text[i];; c++) {
			if (c == text[i] + ARGUMENT_TEXT)
				abort();
			if (!*c)
				break;
			if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f)
				abort();
		}
	for (int i = 0; i < 6; i++) {
		long item = pack_item(&row->arg[i], p, n);

		if (item != -EPROTO && (item < 0 || (size_t)item > n))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct head head;
	struct call_row refined, fitted;
	const struct call_row *row;
	size_t a_bytes, b_bytes, offset, offset_back;
	uint8_t *a, *b;
	int arg, arg_back;

	if (size < sizeof(head))
		return 0;
	memcpy(&head, data, sizeof(head));
	data += sizeof(head);
	size -= sizeof(head);
	row = arguments_refine(head.call, head.arg, &refined);
	if (!row)
		return 0;
	a_bytes = head.first < size ? head.first : size;
	b_bytes = size - a_bytes;
	a = copy(data, a_bytes);
	b = copy(data + a_bytes, b_bytes);
	decode(row, a, a_bytes);
	decode(row, b, b_bytes);
	decode(arguments_fit(row, a, a_bytes, &fitted), a, a_bytes);

	if (pack_difference(row, a, a_bytes, a, a_bytes, &arg, &offset) && arg != 6)
		abort();
	if (pack_difference(row, a, a_bytes, b, b_bytes, &arg, &offset)) {
		if (!pack_difference(row, b, b_bytes, a, a_bytes, &arg_back, &offset_back) ||
		    arg != arg_back || offset != offset_back || arg < 0 || arg > 6 ||
		    offset > (a_bytes > b_bytes ? a_bytes : b_bytes))
			abort();
	} else if (a_bytes != b_bytes || memcmp(a, b, a_bytes) != 0) {
		abort();
	}
	free(a);
	free(b);
	return 0;
}
