/* SPDX-License-Identifier: MIT */
/*
 * config_scan.c - looks at the text before libconfig does.
 *
 * Why: libconfig 1.5 (Debian 12) turns 4294971296 into 4000 without a word, takes an unclosed
 * comment for the end of the file, recurses as deep as the text nests, opens any file that
 * @include names, and says "syntax error" for a bracket that was never closed. Newer versions
 * read big numbers as 64 bits and allow a comma after a list's last element; files written for
 * those must work here too.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_reader.h"

struct scan {
	struct reader *r;
	const char *at;
	const char *end;
	int line;
	struct {
		char closing;
		int line;
	} open[READER_DEPTH_MAX];
	int depth;
	const char *word; /* the last one: the key, where a value stands; NULL: none yet */
	size_t word_bytes;
	FILE *out;
};

static bool ends(const struct scan *s, size_t ahead)
{
	return (size_t)(s->end - s->at) <= ahead;
}

static char peek(const struct scan *s, size_t ahead)
{
	return (char)(ends(s, ahead) ? 0 : s->at[ahead]);
}

static void copy(struct scan *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s->line += s->at[i] == '\n';
	fwrite(s->at, 1, n, s->out);
	s->at += n;
}

static void scan_line_comment(struct scan *s)
{
	const char *newline = memchr(s->at, '\n', (size_t)(s->end - s->at));

	s->at = newline ? newline : s->end;
}

/* Newlines are all that libconfig needs to see of a comment. */
static int scan_block_comment(struct scan *s)
{
	int began = s->line;

	for (s->at += 2; !ends(s, 1); s->at++) {
		if (s->at[0] == '*' && s->at[1] == '/') {
			s->at += 2;
			fputc(' ', s->out);
			return 0;
		}
		if (*s->at == '\n') {
			s->line++;
			fputc('\n', s->out);
		}
	}
	return reader_fail_at(s->r, began, EINVAL, "the comment that begins here is never closed");
}

static int scan_string(struct scan *s)
{
	int began = s->line;
	size_t n = 1;

	while (!ends(s, n) && s->at[n] != '"')
		n += s->at[n] == '\\' ? 2 : 1;
	if (ends(s, n))
		return reader_fail_at(s->r, began, EINVAL,
				      "the string that begins here is never closed");
	copy(s, n + 1);
	return 0;
}

static void scan_name(struct scan *s)
{
	size_t n = 1;

	while (!ends(s, n) && (isalnum((unsigned char)s->at[n]) || strchr("-_*", s->at[n])))
		n++;
	s->word = s->at;
	s->word_bytes = n;
	copy(s, n);
}

/* A whole number that doesn't fit into an int gets the L which makes libconfig use 64 bits. */
static int scan_number(struct scan *s)
{
	char digits[32];
	size_t n = peek(s, 0) == '-' || peek(s, 0) == '+';
	bool hex = peek(s, n) == '0' && (peek(s, n + 1) == 'x' || peek(s, n + 1) == 'X');
	bool suffix;
	long long value;

	if (hex)
		n += 2;
	while (hex ? isxdigit((unsigned char)peek(s, n)) : isdigit((unsigned char)peek(s, n)))
		n++;

	if (!hex && (peek(s, n) == '.' || peek(s, n) == 'e' || peek(s, n) == 'E')) {
		while (isdigit((unsigned char)peek(s, n)) || peek(s, n) == '.')
			n++;
		if (peek(s, n) == 'e' || peek(s, n) == 'E') {
			n++;
			n += peek(s, n) == '-' || peek(s, n) == '+';
			while (isdigit((unsigned char)peek(s, n)))
				n++;
		}
		copy(s, n);
		return 0;
	}

	suffix = peek(s, n) == 'L';
	snprintf(digits, sizeof(digits), "%.*s", (int)n, s->at);
	errno = 0;
	value = strtoll(digits, NULL, hex ? 16 : 10);
	if (errno == ERANGE || n >= sizeof(digits))
		return reader_fail_at(s->r, s->line, EINVAL,
				      "%.*s: the number %.*s%s is too big: 64 bits at most",
				      s->word_bytes > 40 ? 40 : (int)s->word_bytes, s->word ?: "",
				      n > 40 ? 40 : (int)n, s->at, n > 40 ? "..." : "");
	copy(s, n);
	if (!suffix && (value < INT_MIN || value > INT_MAX))
		fputc('L', s->out);
	return 0;
}

static int scan_open(struct scan *s, char closing)
{
	if (s->depth == READER_DEPTH_MAX)
		return reader_fail_at(s->r, s->line, EINVAL, "nested deeper than %d brackets",
				      READER_DEPTH_MAX);
	s->open[s->depth].closing = closing;
	s->open[s->depth].line = s->line;
	s->depth++;
	copy(s, 1);
	return 0;
}

static int scan_close(struct scan *s)
{
	if (s->depth == 0)
		return reader_fail_at(s->r, s->line, EINVAL, "'%c' closes nothing", *s->at);
	if (s->open[s->depth - 1].closing != *s->at)
		return reader_fail_at(s->r, s->line, EINVAL,
				      "found '%c', but expected '%c' (opened in line %d)", *s->at,
				      s->open[s->depth - 1].closing, s->open[s->depth - 1].line);
	s->depth--;
	copy(s, 1);
	return 0;
}

/* Comments and white space up to the next token. */
static int scan_blanks(struct scan *s)
{
	int ret;

	while (!ends(s, 0)) {
		if (*s->at == '#' || (*s->at == '/' && peek(s, 1) == '/')) {
			scan_line_comment(s);
		} else if (*s->at == '/' && peek(s, 1) == '*') {
			ret = scan_block_comment(s);
			if (ret < 0)
				return ret;
		} else if (strchr(" \t\r\n\f", *s->at)) {
			copy(s, 1);
		} else {
			break;
		}
	}
	return 0;
}

static int scan_token(struct scan *s)
{
	char c = *s->at;

	if (isalpha((unsigned char)c) || c == '*') {
		scan_name(s);
		return 0;
	}
	if (isdigit((unsigned char)c) || c == '-' || c == '+' || c == '.')
		return scan_number(s);

	switch (c) {
	case '"':
		return scan_string(s);
	case '{':
		return scan_open(s, '}');
	case '(':
		return scan_open(s, ')');
	case '[':
		return scan_open(s, ']');
	case '}':
	case ')':
	case ']':
		return scan_close(s);
	case '@':
		return reader_fail_at(s->r, s->line, EINVAL,
				      "@include is not supported: keep everything in one file");
	case ',': {
		/* Dropped behind a list's last element; else it may follow the blanks. */
		int ret;

		s->at++;
		ret = scan_blanks(s);
		if (ret < 0)
			return ret;
		if (s->depth > 0 && (peek(s, 0) == ')' || peek(s, 0) == ']'))
			return 0;
		fputc(',', s->out);
		return 0;
	}
	default:
		copy(s, 1);
		return 0;
	}
}

static int check_bytes(struct reader *r, const char *text, size_t length)
{
	int line = 1;

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < ' ' && !strchr("\t\n\r\f", c)) || c == '\0' || c == 0x7f)
			return reader_fail_at(r, line, EINVAL,
					      "found the byte 0x%02x, but expected a text file", c);
		line += c == '\n';
	}
	return 0;
}

int reader_scan(struct reader *r, const char *text, size_t length, char **copied)
{
	struct scan s = {.r = r, .at = text, .end = text + length, .line = 1};
	size_t size = 0;
	bool lost;
	int ret;

	*copied = NULL;
	ret = check_bytes(r, text, length);
	if (ret < 0)
		return ret;
	if (length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		s.at += 3;

	s.out = open_memstream(copied, &size);
	if (!s.out)
		return reader_fail_at(r, 0, ENOMEM, "out of memory");
	do {
		ret = scan_blanks(&s);
		if (ret == 0 && !ends(&s, 0))
			ret = scan_token(&s);
	} while (ret == 0 && !ends(&s, 0));
	if (ret == 0 && s.depth > 0)
		ret = reader_fail_at(r, s.open[s.depth - 1].line, EINVAL,
				     "what begins here is never closed: '%c' is missing",
				     s.open[s.depth - 1].closing);
	/* libconfig wants its last line ended. */
	fputc('\n', s.out);
	lost = ferror(s.out);
	if ((fclose(s.out) != 0 || lost) && ret == 0)
		ret = reader_fail_at(r, 0, ENOMEM, "out of memory");
	if (ret < 0) {
		free(*copied);
		*copied = NULL;
	}
	return ret;
}
