/* SPDX-License-Identifier: MIT */
/* Text put together without a C library: each returns where to go on; no NUL is written. */
#ifndef TANDEM_MONITOR_TEXT_H
#define TANDEM_MONITOR_TEXT_H

#include <stdint.h>

static inline char *text_put(char *at, const char *s)
{
	while (*s)
		*at++ = *s++;
	return at;
}

static inline char *text_put_number(char *at, uint64_t n)
{
	char digits[20];
	int length = 0;

	do {
		digits[length++] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	while (length)
		*at++ = digits[--length];
	return at;
}

#endif
