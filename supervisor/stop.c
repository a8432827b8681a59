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

static size_t join(const char *name, char text[6][ARGUMENT_TEXT], int n, char *to, size_t size)
{
	size_t at = (size_t)snprintf(to, size, "%s", name);

	for (int i = 0; i < n && at < size; i++)
		at += (size_t)snprintf(to + at, size - at, "%s%.60s%s", i ? ", " : "(", text[i],
				       strlen(text[i]) > 60 ? "..." : "");
	if (n && at < size)
		at += (size_t)snprintf(to + at, size - at, ")");
	return at;
}

/* A call in a few words; empty when nothing is known of it. */
static void call_words(uint32_t call, const struct arg_desc *arg, const uint8_t *packed,
		       uint32_t bytes, bool hashed, char *to, size_t size)
{
	struct call_row copy;
	const struct call_row *row = arguments_refine(call, arg, &copy);
	size_t there = bytes < DIVERGENCE_BYTES ? bytes : DIVERGENCE_BYTES;
	char text[6][ARGUMENT_TEXT];
	int n = 0;

	*to = 0;
	if (!row)
		return;
	if (!hashed && bytes)
		n = arguments_decode(row, packed, there, bytes, text);
	join(row->name, text, n, to, size);
}

/* Of a call that isn't supported: what the registers held, and where it is made. */
static void unsupported_words(const struct divergence *d, const char *site, char *to, size_t size)
{
	const struct call_row *row = call_row(d->own_call);
	char text[6][ARGUMENT_TEXT];
	size_t at = 2;

	if (!row)
		return;
	snprintf(to, size, ": ");
	at += join(row->name, text, arguments_registers(row, d->args, text), to + at, size - at);
	if (at < size)
		snprintf(to + at, size - at, ", number %" PRId64 "%s%s", (int64_t)d->number,
			 *site ? ", at " : "", site);
}

/* What both did, for the one line on standard error. */
static void describe(const struct running *r, unsigned v, char *to, size_t size)
{
	const struct divergence *d = &r->files.variant[v]->divergence;
	const struct arg_desc *arg = d->own_bytes ? d->own_arg : NULL;
	char own[240], leader[240];

	call_words(d->own_call, arg, d->own, d->own_bytes, false, own, sizeof(own));
	call_words(d->leader_call, d->own_call == d->leader_call ? arg : NULL, d->leader,
		   d->leader_bytes, d->leader_flags & RECORD_HASHED, leader, sizeof(leader));
	if (*own && *leader)
		snprintf(to, size, ": %s where the leader made %s", own, leader);
	else if (*own)
		snprintf(to, size, ": %s", own);
	else if (*leader)
		snprintf(to, size, "; the leader made %s", leader);
	else
		*to = 0;
}

int stop_report(struct running *r, unsigned v)
{
	const struct divergence *d = &r->files.variant[v]->divergence;
	uint32_t kind = known(atomic_load(&d->kind));
	char said[sizeof(d->text)], text[2 * sizeof(d->text)], path[REPORT_PATH];
	char calls[1024] = "", site[REPORT_SITE] = "", line[2048], where[2 * REPORT_PATH],
	     told[2048 + 2 * REPORT_PATH];
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
