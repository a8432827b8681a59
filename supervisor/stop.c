/* SPDX-License-Identifier: MIT */
#include "stop.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../monitor/syscalls/table.h"
#include "../transport/record.h"
#include "arguments.h"
#include "follow.h"
#include "lead.h"
#include "report.h"
#include "reports.h"
#include "tree.h"

static const struct {
	const char *name, *word;
	int status;
} kinds[] = {
	[DIVERGENCE_NONE] = {"nothing", "none", STATUS_SETUP},
	[DIVERGENCE_CALL] = {"divergence: another call", "call", STATUS_DIVERGENCE},
	[DIVERGENCE_ARGUMENTS] = {"divergence: other arguments", "arguments", STATUS_DIVERGENCE},
	[DIVERGENCE_RESULT] = {"divergence: another result", "result", STATUS_DIVERGENCE},
	[DIVERGENCE_CRASH] = {"divergence: crash (a fault such as SIGSEGV) in one variant only",
			      "crash", STATUS_DIVERGENCE},
	[DIVERGENCE_EXIT] = {"divergence: end of one variant only", "exit", STATUS_DIVERGENCE},
	[DIVERGENCE_HANG] = {"divergence: hang, one variant stands still", "hang",
			     STATUS_DIVERGENCE},
	[DIVERGENCE_INJECTED] = {"divergence: injected on purpose", "injected", STATUS_DIVERGENCE},
	[STOP_UNSUPPORTED] = {"unsupported call", "unsupported", STATUS_UNSUPPORTED},
	[STOP_GARBAGE] = {"garbage in a ring", "garbage", STATUS_KILLED},
	[STOP_INTERNAL] = {"the monitor can't go on", "internal", STATUS_SETUP},
};

/* A number that no monitor writes is garbage itself. */
static uint32_t known(uint32_t kind)
{
	return kind < sizeof(kinds) / sizeof(*kinds) ? kind : STOP_GARBAGE;
}

const char *stop_kind_name(uint32_t kind)
{
	return kinds[known(kind)].name;
}

const char *stop_kind_word(uint32_t kind)
{
	return kinds[known(kind)].word;
}

int stop_kind_status(uint32_t kind)
{
	return kinds[known(kind)].status;
}

static void say_unless_killed(int error)
{
	if (error)
		fprintf(stderr,
			"tandem: the processes of the variants can't be found in /proc: %s; look "
			"for what is left of them\n",
			strerror(-error));
}

void stop_halt(struct running *r)
{
	atomic_store(&r->files.session->halt, 1);
	for (size_t i = 0; i < r->streams; i++)
		session_interrupt(&r->files, &r->stream[i]->pages);
}

int stop_saying(struct running *r, int status, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "tandem: %s\n", text);
	if (hosts_follow(r))
		follow_failed(r, status, text);
	else
		lead_end(r, status, text);
	return stop_quietly(r, status);
}

int stop_quietly(struct running *r, int status)
{
	atomic_store(&r->files.session->halt, 1);
	say_unless_killed(tree_kill());
	return status;
}

/* Of an argument on standard error, characters; a report has all of them. */
#define SHOWN 60
#define CALL_SHOWN 512

/* A call in words. */
struct words {
	const char *name; /* NULL: not known */
	int n;
	char text[ARGUMENTS_MOST][ARGUMENT_TEXT];
};

static void join(const struct words *w, char *to, size_t size)
{
	size_t at = (size_t)snprintf(to, size, "%s", w->name);

	for (int i = 0; i < w->n && at < size; i++)
		at += (size_t)snprintf(to + at, size - at, "%s%.*s", i ? ", " : "(", SHOWN + 6,
				       w->text[i]);
	if (w->n && at < size)
		snprintf(to + at, size - at, ")");
}

static void decode(uint32_t call, const struct arg_desc *arg, const uint8_t *packed, uint32_t bytes,
		   bool hashed, struct words *w)
{
	struct call_row copy;
	const struct call_row *row = arguments_refine(call, arg, &copy);
	size_t there = bytes < DIVERGENCE_BYTES ? bytes : DIVERGENCE_BYTES;

	w->name = row ? row->name : NULL;
	w->n = 0;
	if (!row || hashed || !bytes)
		return;
	if (!arg && there == bytes)
		row = arguments_fit(row, packed, there, &copy);
	w->n = arguments_decode(row, packed, there, bytes, w->text);
}

/* Of a call that isn't supported: what the registers held, and where it is made. */
static void unsupported_words(const struct divergence *d, const char *site, char *to, size_t size)
{
	const struct call_row *row = call_row(d->own_call);
	struct words w = {.name = row ? row->name : NULL};
	char call[CALL_SHOWN];

	*to = 0;
	if (!row)
		return;
	w.n = arguments_registers(row, (int64_t)d->number, d->args, w.text);
	join(&w, call, sizeof(call));
	snprintf(to, size, ": %s, number %" PRId64 "%s%s", call, (int64_t)d->number,
		 *site ? ", at " : "", site);
}

/* What both did, for the one line on standard error. */
static void describe(const struct running *r, unsigned v, char *to, size_t size)
{
	const struct divergence *d = &r->files.variant[v]->divergence;
	const struct arg_desc *arg = d->own_bytes ? d->own_arg : NULL;
	struct words own, leader;
	char a[CALL_SHOWN] = "", b[CALL_SHOWN] = "";
	size_t offset;
	int which;

	decode(d->own_call, arg, d->own, d->own_bytes, false, &own);
	if (own.name &&
	    (!d->own_bytes || (d->own_call == CALL_syscall && d->leader_call != CALL_syscall)))
		own.n = arguments_registers(call_row(d->own_call), (int64_t)d->number, d->args,
					    own.text);
	decode(d->leader_call, d->own_call == d->leader_call ? arg : NULL, d->leader,
	       d->leader_bytes, d->leader_flags & RECORD_HASHED, &leader);
	for (int i = 0; i < ARGUMENTS_MOST; i++) {
		if (i >= own.n)
			*own.text[i] = 0;
		if (i >= leader.n)
			*leader.text[i] = 0;
	}
	for (int i = 0; i < own.n || i < leader.n; i++) {
		char x[SHOWN + 8], y[SHOWN + 8];

		arguments_around(own.text[i], leader.text[i], SHOWN, x, y);
		strcpy(own.text[i], x);
		strcpy(leader.text[i], y);
	}
	if (own.name)
		join(&own, a, sizeof(a));
	if (leader.name)
		join(&leader, b, sizeof(b));
	*to = 0;
	if (d->kind == DIVERGENCE_RESULT && own.name) {
		arguments_result(d->own_result, own.text[0], ARGUMENT_TEXT);
		arguments_result(d->leader_result, leader.text[0], ARGUMENT_TEXT);
		snprintf(to, size, ": %s = %.100s; the leader's result is %.100s", a, own.text[0],
			 leader.text[0]);
	} else if (*a && !strcmp(a, b) && report_difference(d, &which, &offset)) {
		snprintf(to, size, ": %s; argument %d differs from its byte %zu on", a, which + 1,
			 offset);
	} else if (*a && *b) {
		snprintf(to, size, ": %s where the leader made %s", a, b);
	} else if (*a) {
		snprintf(to, size, ": %s", a);
	} else if (*b) {
		snprintf(to, size, "; the leader made %s", b);
	}
}

int stop_report(struct running *r, unsigned v)
{
	const struct divergence *d = &r->files.variant[v]->divergence;
	uint32_t kind = known(atomic_load(&d->kind));
	char said[sizeof(d->text)], text[2 * sizeof(d->text)], path[REPORT_PATH];
	char calls[3 * CALL_SHOWN] = "", site[REPORT_SITE] = "", line[4096], where[2 * REPORT_PATH],
		       told[4096 + 2 * REPORT_PATH];
	int error;

	if (hosts_follow(r))
		return follow_diverged(r);
	stop_halt(r);
	lead_freeze(r, v, d);
	tree_freeze(); /* without /proc a report can't show much; tree_kill() will complain */
	memcpy(said, d->text, sizeof(said));
	said[sizeof(said) - 1] = 0;
	report_text(text, said, sizeof(text));
	error = report_write(r, v, path, site);
	say_unless_killed(tree_kill());
	if (kind == STOP_UNSUPPORTED)
		unsupported_words(d, site, calls, sizeof(calls));
	else
		describe(r, v, calls, sizeof(calls));
	snprintf(line, sizeof(line), "%s: variant %d (%s): %s%s", kinds[kind].name,
		 r->config->variants[v].id, run_role(r, v), text, calls);
	if (error)
		snprintf(where, sizeof(where), "the report can't be written to %s: %s%s",
			 r->config->report_dir, strerror(-error),
			 error == -ENOSPC || error == -EDQUOT
				 ? "; free some, or name another report_dir"
				 : "");
	else if (reports_is_default(r->config->report_dir))
		snprintf(where, sizeof(where), "report: %s; run 'tandem explain'", path);
	else
		snprintf(where, sizeof(where), "report: %s; run 'tandem explain -c %s'", path,
			 r->config->file);
	fprintf(stderr, "tandem: %s; %s\n", line, where);
	/* Whoever reads it on another host looks for the report there. */
	snprintf(told, sizeof(told), "%s; %s%s", line,
		 error ? "the report can't be written to the leader's host"
		       : "the report is on the leader's host: ",
		 error ? "" : path);
	lead_end(r, kinds[kind].status, told);
	return kinds[kind].status;
}

int stop_found(struct running *r, unsigned v, uint32_t stream, uint32_t kind, const char *format,
	       ...)
{
	struct variant_state *state = r->files.variant[v];
	struct divergence *d = &state->divergence;
	va_list args;

	/*
	 * The variant writes the same structure: whoever claims it first is heard. One that claimed
	 * it and has said nothing died over it, or says no more than we do.
	 */
	if (atomic_exchange(&state->claimed, 1) == 0 || !atomic_load(&d->kind)) {
		d->stream = stream;
		d->own_call = d->leader_call = UINT32_MAX;
		va_start(args, format);
		vsnprintf(d->text, sizeof(d->text), format, args);
		va_end(args);
		atomic_store(&d->kind, kind);
	}
	return stop_report(r, v);
}
