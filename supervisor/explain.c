/* SPDX-License-Identifier: MIT */
#include "explain.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "arguments.h"
#include "columns.h"
#include "reports.h"
#include "run.h"

#define REPORT_MOST (16u << 20)
/* Bytes shown around the first that differs. */
#define BYTES_SHOWN 64
/* Characters shown of an argument; --json has more. */
#define ARGUMENT_SHOWN 160

static const char *text_of(const cJSON *o, const char *key)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

	return s ? s : "";
}

static double number_of(const cJSON *o, const char *key)
{
	const cJSON *n = cJSON_GetObjectItemCaseSensitive(o, key);

	return cJSON_IsNumber(n) ? n->valuedouble : -1;
}

static const cJSON *list_of(const cJSON *o, const char *key)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, key);

	return cJSON_IsArray(list) ? list : NULL;
}

static void join(const cJSON *list, char *to, size_t size)
{
	const cJSON *item;
	size_t at = 0;

	*to = 0;
	cJSON_ArrayForEach(item, list)
	{
		const char *s = cJSON_GetStringValue(item);

		if (s && at < size)
			at += (size_t)snprintf(to + at, size - at, at ? " %s" : "%s", s);
	}
}

/* "write+0x1d (libc.so.6)", and file.c:12 on a line below, as far as it is known. */
static void place(const cJSON *p, bool line, char *to, size_t size)
{
	const char *module = text_of(p, "module"), *symbol = text_of(p, "symbol");
	const char *file = text_of(p, "file"), *slash = strrchr(module, '/');

	module = slash ? slash + 1 : module;
	if (*symbol) /* without its version (name@@VERSION) */
		snprintf(to, size, "%.*s+%s (%s)", (int)strcspn(symbol, "@"), symbol,
			 text_of(p, "offset"), module);
	else if (*module)
		snprintf(to, size, "%s+%s", module, text_of(p, "offset"));
	else
		snprintf(to, size, "%s", text_of(p, "address"));
	if (line && *file && strlen(to) < size) {
		slash = strrchr(file, '/');
		snprintf(to + strlen(to), size - strlen(to), "\n  %s:%.0f",
			 slash ? slash + 1 : file, number_of(p, "line"));
	}
}

static void head(FILE *out, const cJSON *o)
{
	const cJSON *s = cJSON_GetObjectItemCaseSensitive(o, "session"), *number;
	char line[1024];

	fprintf(out, "%s\n\n", text_of(o, "title"));
	join(list_of(s, "program"), line, sizeof(line));
	columns_one(out, "program", line);
	columns_one(out, "when", text_of(o, "time"));
	snprintf(line, sizeof(line), "policy %s, compare %s, trap %s, %.1f s old, pid %.0f",
		 text_of(s, "policy"), text_of(s, "compare"), text_of(s, "trap"),
		 number_of(s, "age_seconds"), number_of(s, "pid"));
	columns_one(out, "session", line);
	if (number_of(o, "stream") == 0)
		snprintf(line, sizeof(line), "the first one, ");
	else
		snprintf(line, sizeof(line), "stream %.0f (child of stream %.0f), ",
			 number_of(o, "stream"), number_of(o, "parent_stream"));
	snprintf(line + strlen(line), sizeof(line) - strlen(line),
		 "thread %.0f, position %.0f of the stream", number_of(o, "thread"),
		 number_of(o, "position"));
	columns_one(out, "process", line);
	snprintf(line, sizeof(line), "variant %.0f: %s", number_of(o, "reported_by"),
		 text_of(o, "text"));
	columns_one(out, "reported by", line);
	number = cJSON_GetObjectItemCaseSensitive(o, "native_number");
	if (cJSON_IsNumber(number)) {
		snprintf(line, sizeof(line), "%.0f", number->valuedouble);
		columns_one(out, "call number", line);
	}
	if (number_of(o, "signal") > 0) {
		int signal = (int)number_of(o, "signal");

		snprintf(line, sizeof(line), "%d (%s)", signal, strsignal(signal));
		columns_one(out, "signal", line);
	}
	fputc('\n', out);
}

static void title(const cJSON *v, char *to, size_t size)
{
	snprintf(to, size, "variant %.0f, %s (pid %.0f)", number_of(v, "id"), text_of(v, "role"),
		 number_of(v, "pid"));
}

static void differences(const cJSON *v, char *to, size_t size)
{
	char list[512];
	size_t at = (size_t)snprintf(to, size, "%s", text_of(v, "exec"));

	for (size_t i = 0; i < 2; i++) {
		join(list_of(v, i ? "preload" : "env"), list, sizeof(list));
		if (*list && at < size)
			at += (size_t)snprintf(to + at, size - at, "%s%s", at ? " " : "", list);
	}
}

static size_t unhex(const char *hex, uint8_t *to, size_t most)
{
	size_t n = 0;
	unsigned byte;

	while (n < most && hex[0] && hex[1] && sscanf(hex, "%2x", &byte) == 1) {
		to[n++] = (uint8_t)byte;
		hex += 2;
	}
	return n;
}

/* What differs further behind than an argument's text goes: from a little before it. */
static bool behind(const cJSON *difference, char *left, char *right)
{
	uint8_t x[BYTES_SHOWN], y[BYTES_SHOWN];
	size_t m = unhex(text_of(difference, "leader"), x, sizeof(x));
	size_t n = unhex(text_of(difference, "own"), y, sizeof(y));

	if (!m || !n)
		return false;
	strcpy(left, "...");
	strcpy(right, "...");
	arguments_quote(x, m, left + 3, ARGUMENT_SHOWN);
	arguments_quote(y, n, right + 3, ARGUMENT_SHOWN);
	return true;
}

/* The arguments one below the other, those that differ marked. */
static void arguments(FILE *out, const cJSON *o, const cJSON *a, const cJSON *b)
{
	const cJSON *difference = cJSON_GetObjectItemCaseSensitive(o, "difference");
	int which = (int)number_of(difference, "argument");
	const cJSON *x = list_of(a, "arguments"), *y = list_of(b, "arguments");
	int n = cJSON_GetArraySize(x) > cJSON_GetArraySize(y) ? cJSON_GetArraySize(x)
							      : cJSON_GetArraySize(y);
	bool same = !strcmp(text_of(a, "name"), text_of(b, "name"));

	for (int i = 0; i < n; i++) {
		const char *p = cJSON_GetStringValue(cJSON_GetArrayItem(x, i)) ?: "";
		const char *q = cJSON_GetStringValue(cJSON_GetArrayItem(y, i)) ?: "";
		char left[ARGUMENT_SHOWN + 8], right[ARGUMENT_SHOWN + 8];
		bool differ = same && (i == which || (strcmp(p, q) && *p && *q && strcmp(p, "?")));
		char name[32];

		if (i != which || strcmp(p, q) || !behind(difference, left, right))
			arguments_around(p, q, ARGUMENT_SHOWN, left, right);
		snprintf(name, sizeof(name), "%s argument %d", differ ? ">" : " ", i + 1);
		columns_two(out, name, left, right, differ);
	}
	if (*text_of(a, "result") || *text_of(b, "result"))
		columns_two(out, "  result", text_of(a, "result"), text_of(b, "result"),
			    *text_of(a, "result") && *text_of(b, "result") &&
				    strcmp(text_of(a, "result"), text_of(b, "result")));
}

/* Both sides' bytes around the first that differs. */
static void bytes(FILE *out, const cJSON *difference)
{
	uint8_t x[BYTES_SHOWN], y[BYTES_SHOWN];
	size_t m = unhex(text_of(difference, "leader"), x, sizeof(x));
	size_t n = unhex(text_of(difference, "own"), y, sizeof(y));
	double from = number_of(difference, "from");

	if (!m && !n)
		return;
	fprintf(out, "\nArgument %.0f differs from its byte %.0f on:\n",
		number_of(difference, "argument") + 1, number_of(difference, "offset"));
	columns_bytes(out, x, m, y, n, from > 0 && from < 1e15 ? (size_t)from : 0);
}

static void backtraces(FILE *out, const cJSON *a, const cJSON *b)
{
	const cJSON *x = list_of(a, "backtrace"), *y = list_of(b, "backtrace");
	int n = cJSON_GetArraySize(x) > cJSON_GetArraySize(y) ? cJSON_GetArraySize(x)
							      : cJSON_GetArraySize(y);

	fputs("\nWhere the thread is in each variant:\n", out);
	for (int i = 0; i < n || i == 0; i++) {
		char left[512] = "", right[512] = "", name[16];

		if (i < cJSON_GetArraySize(x))
			place(cJSON_GetArrayItem(x, i), true, left, sizeof(left));
		else if (i == 0)
			snprintf(left, sizeof(left), "not known: %s",
				 text_of(a, "backtrace_missing"));
		if (i < cJSON_GetArraySize(y))
			place(cJSON_GetArrayItem(y, i), true, right, sizeof(right));
		else if (i == 0)
			snprintf(right, sizeof(right), "not known: %s",
				 text_of(b, "backtrace_missing"));
		snprintf(name, sizeof(name), "  %d", i);
		columns_two(out, name, left, right, false);
	}
}

static void entry(const cJSON *t, char *to, size_t size)
{
	const cJSON *caller = cJSON_GetObjectItemCaseSensitive(t, "caller");
	char where[256];

	*to = 0;
	if (!t)
		return;
	/* The word on top of the stack needn't be a return address: then nothing is there. */
	if (!*text_of(caller, "module"))
		caller = cJSON_GetObjectItemCaseSensitive(t, "site");
	place(caller, false, where, sizeof(where));
	snprintf(to, size, "%s = %s\n  at %s", text_of(t, "text"), text_of(t, "result"), where);
}

/* After the same record both positions are the same. */
static void traces(FILE *out, const cJSON *a, const cJSON *b)
{
	const cJSON *x = list_of(a, "trace") ? list_of(a, "trace")->child : NULL;
	const cJSON *y = list_of(b, "trace") ? list_of(b, "trace")->child : NULL;

	fputs("\nThe last calls of the process, oldest first:\n", out);
	while (x || y) {
		char left[1024], right[1024], name[32];
		double p = x ? number_of(x, "position") : 0, q = y ? number_of(y, "position") : 0;
		bool take_x = x && (!y || p <= q), take_y = y && (!x || q <= p);
		bool differ;

		if (take_x && take_y && strcmp(text_of(x, "name"), text_of(y, "name")))
			take_y = false;
		differ = take_x != take_y;
		entry(take_x ? x : NULL, left, sizeof(left));
		entry(take_y ? y : NULL, right, sizeof(right));
		snprintf(name, sizeof(name), "  %.0f", take_x ? p : q);
		columns_two(out, name, left, right, differ && x && y);
		x = take_x ? x->next : x;
		y = take_y ? y->next : y;
	}
}

static const cJSON *find(const cJSON *variants, double id, bool leader)
{
	const cJSON *v;

	cJSON_ArrayForEach(v, variants)
	{
		if (leader ? !strcmp(text_of(v, "role"), "leader") : number_of(v, "id") == id)
			return v;
	}
	return NULL;
}

/* Where a variant's process stands. */
static void place_of(const cJSON *process, char *to, size_t size)
{
	const char *call = text_of(process, "in_call");

	if (number_of(process, "pid") > 0)
		snprintf(to, size, "pid %.0f at %.0f, in %s", number_of(process, "pid"),
			 number_of(process, "position"), *call ? call : "its program");
	else if (process)
		snprintf(to, size, "ended at %.0f", number_of(process, "position"));
	else
		*to = 0;
}

/* See standing.h; nothing if there is one process. a, b: ids of variants. */
static void processes(FILE *out, const cJSON *list, double a, double b)
{
	const cJSON *process;

	if (cJSON_GetArraySize(list) < 2)
		return;
	fputs("\nAll processes, and how far in their streams:\n", out);
	cJSON_ArrayForEach(process, list)
	{
		const cJSON *of = list_of(process, "variants"), *x = find(of, a, false);
		const cJSON *y = a == b ? NULL : find(of, b, false);
		char left[256], right[256], name[32];

		place_of(x, left, sizeof(left));
		place_of(y, right, sizeof(right));
		snprintf(name, sizeof(name), "  %.0f", number_of(process, "stream"));
		columns_two(out, name, left, right,
			    y && number_of(x, "position") != number_of(y, "position"));
	}
}

static void print(FILE *out, const cJSON *o)
{
	const cJSON *variants = list_of(o, "variants"), *a, *b, *p, *q;
	char left[2048], right[2048];

	head(out, o);
	a = find(variants, 0, true);
	b = find(variants, number_of(o, "reported_by"), false);
	/* Beside a leader that reported, any follower. */
	cJSON_ArrayForEach(p, variants)
	{
		if (b == a && p != a)
			b = p;
	}
	p = cJSON_GetObjectItemCaseSensitive(a, "call");
	q = a == b ? NULL : cJSON_GetObjectItemCaseSensitive(b, "call");
	title(a, left, sizeof(left));
	title(b, right, sizeof(right));
	columns_two(out, "", left, a == b ? "" : right, false);
	columns_rule(out);
	differences(a, left, sizeof(left));
	differences(b, right, sizeof(right));
	if (*left || *right)
		columns_two(out, "  runs with", left, a == b ? "" : right, false);
	if (*text_of(a, "in_call") || *text_of(b, "in_call"))
		columns_two(out, "  now in", text_of(a, "in_call"),
			    a == b ? "" : text_of(b, "in_call"), false);
	if (p || q) {
		const char *x = p ? text_of(p, "name") : "", *y = q ? text_of(q, "name") : "";

		columns_two(out, strcmp(x, y) && *x && *y ? "> call" : "  call", x, y,
			    *x && *y && strcmp(x, y));
		arguments(out, o, p, q);
		if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(p, "hashed")))
			columns_one(out, "",
				    "The leader's arguments aren't known: under compare = "
				    "hash it sends no more than a hash of them.");
		bytes(out, cJSON_GetObjectItemCaseSensitive(o, "difference"));
	}
	backtraces(out, a, a == b ? NULL : b);
	traces(out, a, a == b ? NULL : b);
	processes(out, list_of(o, "processes"), number_of(a, "id"), number_of(b, "id"));
}

static char *load(const char *file, size_t *size)
{
	FILE *in = fopen(file, "re");
	struct stat st;
	char *text = NULL;

	if (!in)
		return NULL;
	if (fstat(fileno(in), &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= REPORT_MOST) {
		text = malloc((size_t)st.st_size + 1);
		*size = text ? fread(text, 1, (size_t)st.st_size, in) : 0;
		if (text)
			text[*size] = 0;
	} else {
		errno = EINVAL;
	}
	fclose(in);
	return text;
}

int explain(FILE *out, const char *directory, const char *file, bool json)
{
	char newest[REPORT_PATH];
	char *text;
	size_t size;
	cJSON *o;
	int error;

	if (!file) {
		error = reports_newest(directory, newest);
		if (error) {
			fprintf(stderr,
				"tandem: %s: %s; name a report: tandem explain FILE, or the "
				"configuration that it was written under: tandem explain -c FILE\n",
				directory,
				error == -ENOENT
					? "there is no report here; that of a session of several "
					  "hosts is on the leader's"
					: strerror(-error));
			return STATUS_SETUP;
		}
		file = newest;
	}
	text = load(file, &size);
	if (!text) {
		fprintf(stderr, "tandem: %s: %s\n", file, strerror(errno));
		return STATUS_SETUP;
	}
	o = cJSON_ParseWithLength(text, size);
	if (!cJSON_IsObject(o) || number_of(o, "version") != 1 ||
	    !cJSON_GetArraySize(list_of(o, "variants"))) {
		fprintf(stderr, "tandem: %s: this is not a report of this version of tandem\n",
			file);
		error = STATUS_SETUP;
	} else {
		if (json)
			fprintf(out, "%s\n", text);
		else
			print(out, o);
		error = fflush(out) == 0 && !ferror(out) ? 0 : STATUS_SETUP;
		if (error)
			fprintf(stderr, "tandem: standard output: %s\n", strerror(errno));
	}
	cJSON_Delete(o);
	free(text);
	return error;
}
