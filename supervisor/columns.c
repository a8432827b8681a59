/* SPDX-License-Identifier: MIT */
#include "columns.h"

#include <string.h>
#include <sys/ioctl.h>

#define NAME_WIDTH 14
#define WIDTH_LEAST 60
#define HANG 2 /* blanks in front of what continues a line */
#define WIDTH_MOST 200

static int width(FILE *out)
{
	struct winsize size = {0};

	if (ioctl(fileno(out), TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return 80;
	return size.ws_col < WIDTH_LEAST  ? WIDTH_LEAST
	       : size.ws_col > WIDTH_MOST ? WIDTH_MOST
					  : size.ws_col;
}

/* How much of a text goes on one line: at a blank, comma or bar if there is one not too far left.
 */
static int cut(const char *text, int room)
{
	int n = (int)strcspn(text, "\n");

	if (n <= room)
		return n;
	for (int i = room; i > room / 2; i--) {
		if (strchr(" ,|", text[i - 1]))
			return i;
	}
	return room;
}

static void put(FILE *out, const char *text, int n, int room)
{
	while (n > 0 && text[n - 1] == ' ')
		n--;
	for (int i = 0; i < n; i++)
		fputc(text[i] >= 32 && text[i] < 127 ? text[i] : '?', out);
	if (room > n)
		fprintf(out, "%*s", room - n, "");
}

/* A text that is being put into lines: what is left of it, and how far the next one is set in. */
struct flow {
	const char *text;
	int indent;
};

/* What goes on its next line; the text behind a break within a line is set in a little. */
static int take(struct flow *f, int room, const char **line)
{
	int n = cut(f->text, room - f->indent), blank = 0;

	*line = f->text;
	f->text += n;
	if (*f->text == '\n') {
		f->text++;
		f->indent = 0;
		return n;
	}
	if (n && !f->indent) {
		while ((*line)[blank] == ' ')
			blank++;
		f->indent = blank + HANG;
	}
	while (*f->text == ' ')
		f->text++;
	return n;
}

void columns_one(FILE *out, const char *name, const char *text)
{
	int room = width(out) - NAME_WIDTH;
	struct flow f = {text, 0};

	do {
		int indent = f.indent, n = take(&f, room, &text);

		put(out, name, (int)strlen(name), NAME_WIDTH + indent);
		put(out, text, n, 0);
		fputc('\n', out);
		name = "";
	} while (*f.text);
}

void columns_two(FILE *out, const char *name, const char *left, const char *right, bool differ)
{
	int room = (width(out) - NAME_WIDTH - 3) / 2;
	struct flow l = {left, 0}, r = {right, 0};

	do {
		int left_indent = l.indent, right_indent = r.indent;
		int n = take(&l, room, &left), m = take(&r, room, &right);

		put(out, name, (int)strlen(name), NAME_WIDTH + (n ? left_indent : 0));
		put(out, left, n, m ? room - (n ? left_indent : 0) : 0);
		if (m) {
			fprintf(out, " %c %*s", differ ? '#' : '|', right_indent, "");
			put(out, right, m, 0);
		} else if (differ) {
			fprintf(out, "%*s #", room - n - (n ? left_indent : 0), "");
		}
		fputc('\n', out);
		name = "";
	} while (*l.text || *r.text);
}

void columns_rule(FILE *out)
{
	int room = (width(out) - NAME_WIDTH - 3) / 2;

	for (int i = 0; i < NAME_WIDTH + 2 * room + 3; i++)
		fputc(i == NAME_WIDTH + room + 1 ? '+' : '-', out);
	fputc('\n', out);
}

static void put_bytes(FILE *out, const uint8_t *own, size_t bytes, const uint8_t *other,
		      size_t others, size_t at)
{
	for (size_t i = at; i < at + 8; i++) {
		bool differ = i >= bytes || i >= others || own[i] != other[i];

		if (i < bytes)
			fprintf(out, "%c%02x", differ ? '>' : ' ', own[i]);
		else
			fputs("   ", out);
	}
	fputs("  ", out);
	for (size_t i = at; i < at + 8; i++)
		fputc(i >= bytes ? ' ' : own[i] >= 32 && own[i] < 127 ? own[i] : '.', out);
}

void columns_bytes(FILE *out, const uint8_t *a, size_t a_bytes, const uint8_t *b, size_t b_bytes,
		   size_t from)
{
	size_t end = a_bytes > b_bytes ? a_bytes : b_bytes;

	for (size_t at = 0; at < end; at += 8) {
		fprintf(out, "  %5zu ", from + at);
		put_bytes(out, a, a_bytes, b, b_bytes, at);
		fputs(" | ", out);
		put_bytes(out, b, b_bytes, a, a_bytes, at);
		fputc('\n', out);
	}
}
