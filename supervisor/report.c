/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../monitor/syscalls/table.h"
#include "../transport/record.h"
#include "arguments.h"
#include "evidence.h"
#include "hosts.h"
#include "reports.h"
#include "standing.h"
#include "stop.h"
#include "symbols.h"

/* Longest time for looking up symbols. */
#define REPORTER_SECONDS 20
/* What another host says of its variant: depth of objects and lists, and items of each. */
#define REMOTE_DEPTH 6
#define REMOTE_ITEMS 256
/* Bytes of packed arguments that a report has in full. */
#define PACKED_SHOWN 4096

void report_text(char *to, const char *from, size_t size)
{
	size_t at = 0;

	for (; *from && at + 5 < size; from++) {
		if (*from >= 32 && *from < 127)
			to[at++] = *from;
		else
			at += (size_t)sprintf(to + at, "\\x%02x", (unsigned char)*from);
	}
	to[at] = 0;
}

static void add_text(cJSON *to, const char *key, const char *text)
{
	char clean[2048];

	report_text(clean, text, sizeof(clean));
	cJSON_AddStringToObject(to, key, clean);
}

static void add_texts(cJSON *to, const char *key, char *const *texts)
{
	cJSON *list = cJSON_AddArrayToObject(to, key);
	char clean[2048];

	for (; texts && *texts; texts++) {
		report_text(clean, *texts, sizeof(clean));
		cJSON_AddItemToArray(list, cJSON_CreateString(clean));
	}
}

/* JSON's numbers are doubles: what may not fit is a string. */
static void add_hex(cJSON *to, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	cJSON_AddStringToObject(to, key, text);
}

static cJSON *place(struct symbols *s, uint64_t address, int caller)
{
	struct symbol_place p;
	cJSON *o = cJSON_CreateObject();

	symbols_place(s, address, caller, &p);
	add_hex(o, "address", p.address);
	if (*p.module)
		add_text(o, "module", p.module);
	if (*p.symbol)
		add_text(o, "symbol", p.symbol);
	if (*p.module)
		add_hex(o, "offset", p.offset);
	if (*p.file) {
		add_text(o, "file", p.file);
		cJSON_AddNumberToObject(o, "line", p.line);
	}
	return o;
}

static const char *call_name(uint32_t call)
{
	const struct call_row *row = call_row(call);

	return row ? row->name : NULL;
}

static void add_call_text(cJSON *to, const char *name, char text[][ARGUMENT_TEXT], int n)
{
	cJSON *arguments = cJSON_AddArrayToObject(to, "arguments");
	char line[ARGUMENTS_MOST * ARGUMENT_TEXT + 64];
	size_t at = (size_t)snprintf(line, sizeof(line), "%s(", name);

	for (int i = 0; i < n; i++) {
		cJSON_AddItemToArray(arguments, cJSON_CreateString(text[i]));
		at += (size_t)snprintf(line + at, sizeof(line) - at, "%s%s", i ? ", " : "",
				       text[i]);
	}
	snprintf(line + at, sizeof(line) - at, ")");
	cJSON_AddStringToObject(to, "text", line);
}

static void add_result(cJSON *to, int64_t result)
{
	char text[128];

	arguments_result(result, text, sizeof(text));
	cJSON_AddStringToObject(to, "result", text);
}

static void add_bytes(cJSON *to, const char *key, const uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char hex[2 * PACKED_SHOWN + 1];
	size_t shown = n < PACKED_SHOWN ? n : PACKED_SHOWN;

	for (size_t i = 0; i < shown; i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	hex[2 * shown] = 0;
	cJSON_AddStringToObject(to, key, hex);
}

struct side {
	uint32_t call;
	const struct arg_desc *arg; /* how the arguments are packed */
	const uint8_t *packed;
	uint32_t bytes; /* of which at most DIVERGENCE_BYTES are there */
	bool hashed;
	const int64_t *result; /* NULL: there is none */
	const uint64_t *args;  /* registers; NULL: not known */
	int64_t number;        /* of a call without a row */
};

/* Words for a side's arguments. Returns how many. */
static int words(const struct side *s, const struct call_row *row, char text[][ARGUMENT_TEXT])
{
	size_t there = s->bytes < DIVERGENCE_BYTES ? s->bytes : DIVERGENCE_BYTES;
	int n;

	if (s->args && (!s->bytes || s->call == CALL_syscall))
		return arguments_registers(row, s->number, s->args, text);
	if (s->hashed || !s->bytes)
		return arguments_unknown(row, text);
	n = arguments_decode(row, s->packed, there, s->bytes, text);
	for (int i = 0; i < n && s->args; i++) {
		if (row->arg[i].type == ARG_IGNORE)
			snprintf(text[i], ARGUMENT_TEXT, "0x%" PRIx64, s->args[i]);
	}
	return n;
}

static cJSON *call(const struct side *s)
{
	struct call_row copy;
	const struct call_row *row = arguments_refine(s->call, s->arg, &copy);
	size_t there = s->bytes < DIVERGENCE_BYTES ? s->bytes : DIVERGENCE_BYTES;
	char text[ARGUMENTS_MOST][ARGUMENT_TEXT];
	cJSON *o;

	if (!row)
		return NULL;
	if (!s->arg && !s->hashed && there == s->bytes)
		row = arguments_fit(row, s->packed, there, &copy);
	o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "name", row->name);
	add_call_text(o, row->name, text, words(s, row, text));
	if (s->hashed)
		cJSON_AddTrueToObject(o, "hashed");
	cJSON_AddNumberToObject(o, "packed_bytes", s->bytes);
	add_bytes(o, "packed", s->packed, there);
	if (s->result)
		add_result(o, *s->result);
	return o;
}

static void add_calls(cJSON *variants, const struct evidence *e)
{
	const struct divergence *d = &e->divergence;
	bool executed = d->leader_kind == RECORD_CALL || d->leader_kind == RECORD_LEAVE ||
			d->kind == DIVERGENCE_RESULT;
	const struct arg_desc *arg = d->own_bytes ? d->own_arg : NULL;
	bool same = d->own_call == d->leader_call;
	struct side own = {.call = d->own_call,
			   .arg = arg,
			   .packed = d->own,
			   .bytes = d->own_bytes,
			   .result = d->kind == DIVERGENCE_RESULT ? &d->own_result : NULL,
			   .args = same ? NULL : d->args,
			   .number = (int64_t)d->number};
	struct side leader = {.call = d->leader_call,
			      .arg = same ? arg : NULL,
			      .packed = d->leader,
			      .bytes = d->leader_bytes,
			      .hashed = d->leader_flags & RECORD_HASHED,
			      .result = executed ? &d->leader_result : NULL};
	cJSON *o;

	/* Before there were results, the arguments were found to be alike. */
	if (d->kind == DIVERGENCE_RESULT && !leader.bytes) {
		leader.packed = own.packed;
		leader.bytes = own.bytes;
	}
	o = call(&own);

	if (o)
		cJSON_AddItemToObject(cJSON_GetArrayItem(variants, (int)e->reporter), "call", o);
	o = e->reporter == e->leader ? NULL : call(&leader);
	if (o)
		cJSON_AddItemToObject(cJSON_GetArrayItem(variants, (int)e->leader), "call", o);
}

/* Bytes that differ in a report, from `from` of the argument on. */
struct window {
	uint64_t from;
	const uint8_t *own, *leader;
	size_t own_bytes, leader_bytes;
};

static size_t at_most(size_t n, size_t most)
{
	return n < most ? n : most;
}

/* The content of a packed argument, as far as it was kept; NULL: not even its beginning. */
static const uint8_t *content(const struct call_row *row, const uint8_t *packed, size_t bytes,
			      int arg, size_t *n)
{
	uint64_t length;
	size_t at = 0;

	for (int i = 0; i < arg; i++) {
		long item = pack_item(&row->arg[i], packed + at, bytes - at);

		if (item < 0)
			return NULL;
		at += (size_t)item;
	}
	if (bytes - at < sizeof(length))
		return NULL;
	*n = bytes - at;
	if (!pack_is_bytes(row->arg[arg].type))
		return packed + at;
	memcpy(&length, packed + at, sizeof(length));
	*n = at_most(*n - sizeof(length), length > PACK_FAULT - 1 ? 0 : length);
	return packed + at + sizeof(length);
}

/* A difference behind what was kept is in the argument that was cut off. */
static bool cut_off(const struct call_row *row, const struct divergence *d, int *arg,
		    size_t *offset, struct window *w)
{
	size_t at = 0;

	if (d->differ_at < DIVERGENCE_BYTES || d->own_bytes <= DIVERGENCE_BYTES)
		return false;
	for (int i = 0; i < 6; i++) {
		long n = pack_item(&row->arg[i], d->own + at, DIVERGENCE_BYTES - at);

		if (n < 0) {
			uint64_t left = DIVERGENCE_AROUND, length;

			if (pack_is_bytes(row->arg[i].type) && DIVERGENCE_BYTES - at >= 8) {
				memcpy(&length, d->own + at, sizeof(length));
				at += sizeof(length);
				length = length > d->around_at - at ? length - (d->around_at - at)
								    : 0;
				left = at_most(left, length);
			}
			*arg = i;
			*offset = d->differ_at - at;
			*w = (struct window){d->around_at - at, d->own_around, d->leader_around,
					     at_most(d->around_own, left),
					     at_most(d->around_leader, left)};
			return true;
		}
		at += (size_t)n;
	}
	return false;
}

/* Where both first differ, and the bytes there (none, where there is nothing to see). */
static bool difference(const struct divergence *d, int *arg, size_t *offset, struct window *w)
{
	size_t own = at_most(d->own_bytes, DIVERGENCE_BYTES);
	size_t leader = at_most(d->leader_bytes, DIVERGENCE_BYTES);
	struct call_row copy;
	const struct call_row *row =
		arguments_refine(d->own_call, d->own_bytes ? d->own_arg : NULL, &copy);

	*w = (struct window){0};
	if (!row || d->own_call != d->leader_call || (d->leader_flags & RECORD_HASHED) ||
	    d->kind == DIVERGENCE_RESULT)
		return false;
	if (!pack_difference(row, d->own, own, d->leader, leader, arg, offset))
		return cut_off(row, d, arg, offset, w);
	if (*arg < 6 && !arguments_is_scalar(&row->arg[*arg])) {
		w->own = content(row, d->own, own, *arg, &w->own_bytes);
		w->leader = content(row, d->leader, leader, *arg, &w->leader_bytes);
	}
	if (w->own && w->leader) {
		w->from = *offset / 8 * 8 > 16 ? *offset / 8 * 8 - 16 : 0;
		w->own += at_most(w->own_bytes, w->from);
		w->leader += at_most(w->leader_bytes, w->from);
		w->own_bytes -= at_most(w->own_bytes, w->from);
		w->leader_bytes -= at_most(w->leader_bytes, w->from);
	}
	return true;
}

bool report_difference(const struct divergence *d, int *arg, size_t *offset)
{
	struct window w;

	return difference(d, arg, offset, &w);
}

static void add_difference(cJSON *to, const struct evidence *e)
{
	struct window w;
	size_t offset;
	cJSON *o;
	int arg;

	if (!difference(&e->divergence, &arg, &offset, &w))
		return;
	o = cJSON_AddObjectToObject(to, "difference");
	cJSON_AddNumberToObject(o, "argument", arg);
	cJSON_AddNumberToObject(o, "offset", (double)offset);
	if (!w.own || !w.leader)
		return;
	cJSON_AddNumberToObject(o, "from", (double)w.from);
	add_bytes(o, "leader", w.leader, at_most(w.leader_bytes, DIVERGENCE_AROUND));
	add_bytes(o, "own", w.own, at_most(w.own_bytes, DIVERGENCE_AROUND));
}

static void add_trace(cJSON *to, const struct evidence_variant *v, struct symbols *s)
{
	cJSON *list = cJSON_AddArrayToObject(to, "trace");

	for (uint32_t i = 0; i < TRACE_ENTRIES; i++) {
		uint32_t at = (v->state.trace_next + i) % TRACE_ENTRIES;
		const struct trace_entry *t = &v->state.trace[at];
		const struct call_row *row = call_row(t->call);
		char text[ARGUMENTS_MOST][ARGUMENT_TEXT];
		cJSON *o;

		if (!t->site || !row)
			continue;
		o = cJSON_CreateObject();
		cJSON_AddNumberToObject(o, "position", (double)t->position);
		cJSON_AddNumberToObject(o, "thread", t->thread);
		cJSON_AddStringToObject(o, "name", row->name);
		add_call_text(o, row->name, text, arguments_registers(row, 0, t->args, text));
		add_result(o, t->result);
		cJSON_AddItemToObject(o, "site", place(s, v->origin[at], 0));
		cJSON_AddItemToObject(o, "caller", place(s, t->caller, 1));
		cJSON_AddItemToArray(list, o);
	}
}

static void add_backtrace(cJSON *to, const struct evidence_variant *v, struct symbols *s)
{
	uint64_t addresses[EVIDENCE_FRAMES];
	cJSON *list = cJSON_AddArrayToObject(to, "backtrace");
	size_t n = 0;

	cJSON_AddNumberToObject(to, "tid", v->frozen.tid);
	if (*v->frozen.why) {
		add_text(to, "backtrace_missing", v->frozen.why);
		return;
	}
	if (s)
		n = symbols_unwind(s, &v->frozen, addresses, EVIDENCE_FRAMES);
	if (n == 0) {
		addresses[0] = v->frozen.ip;
		n = 1;
	}
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(list, place(s, addresses[i], i > 0));
}

static cJSON *variant(const struct running *r, const struct evidence *e, unsigned v, bool symbols)
{
	static const char *const phases[] = {"not started", "running", "executing", "exited"};
	const struct config_variant *c = &r->config->variants[v];
	const struct evidence_variant *x = &e->variant[v];
	struct symbols *s = symbols ? symbols_open(x->state.pid) : NULL;
	uint32_t in_call = atomic_load(&x->state.in_call), phase = atomic_load(&x->state.phase);
	cJSON *o = cJSON_CreateObject();

	cJSON_AddNumberToObject(o, "id", c->id);
	cJSON_AddStringToObject(o, "role", run_role(r, v));
	cJSON_AddNumberToObject(o, "pid", x->state.pid);
	cJSON_AddNumberToObject(o, "program_pid", x->state.vpid);
	cJSON_AddStringToObject(o, "phase", phase < 4 ? phases[phase] : "unknown");
	if (in_call && call_name(in_call - 1))
		cJSON_AddStringToObject(o, "in_call", call_name(in_call - 1));
	if (c->exec)
		add_text(o, "exec", c->exec);
	if (c->cpus)
		add_text(o, "cpus", c->cpus);
	add_texts(o, "env", c->env);
	add_texts(o, "preload", c->preload);
	add_backtrace(o, x, s);
	add_trace(o, x, s);
	symbols_close(s);
	return o;
}

/* What another host says: text that can't do anything to a terminal, and not without end. */
static cJSON *copy(const cJSON *from, unsigned depth)
{
	const char *text = cJSON_GetStringValue(from);
	bool list = cJSON_IsArray(from);
	const cJSON *item;
	unsigned items = 0;
	char clean[8192], key[64];
	cJSON *to;

	if (text) {
		report_text(clean, text, sizeof(clean));
		return cJSON_CreateString(clean);
	}
	if (!list && !cJSON_IsObject(from))
		return cJSON_Duplicate(from, false);
	to = list ? cJSON_CreateArray() : cJSON_CreateObject();
	cJSON_ArrayForEach(item, from)
	{
		if (!depth || items++ == REMOTE_ITEMS)
			break;
		report_text(key, item->string ?: "", sizeof(key));
		if (list)
			cJSON_AddItemToArray(to, copy(item, depth - 1));
		else
			cJSON_AddItemToObject(to, key, copy(item, depth - 1));
	}
	return to;
}

/* What another host has said of its variant. */
static cJSON *remote(const struct running *r, unsigned v)
{
	static const char *const known_here[] = {"id", "role", "host", "call"};
	const struct peer *p = &r->hosts->peer[v];
	cJSON *said = p->evidence ? cJSON_Parse(p->evidence) : NULL;
	cJSON *o = cJSON_IsObject(said) ? copy(said, REMOTE_DEPTH) : NULL;

	cJSON_Delete(said);
	if (!o) {
		o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "backtrace_missing", "its host didn't say");
		cJSON_AddArrayToObject(o, "trace");
	}
	for (size_t i = 0; i < sizeof(known_here) / sizeof(*known_here); i++) {
		while (cJSON_HasObjectItem(o, known_here[i]))
			cJSON_DeleteItemFromObject(o, known_here[i]);
	}
	cJSON_AddNumberToObject(o, "id", r->config->variants[v].id);
	cJSON_AddStringToObject(o, "role", run_role(r, v));
	cJSON_AddStringToObject(o, "host", p->name);
	return o;
}

static cJSON *session(const struct running *r)
{
	cJSON *o = cJSON_CreateObject();

	add_texts(o, "program", r->argv);
	add_text(o, "configuration", r->config->file ? r->config->file : "");
	cJSON_AddStringToObject(o, "policy", config_policy_name(r->config->policy));
	cJSON_AddStringToObject(o, "compare", config_compare_name(r->config->compare));
	cJSON_AddStringToObject(o, "trap", r->files.session->trap == TRAP_SUD ? "sud" : "seccomp");
	cJSON_AddNumberToObject(o, "pid", r->guarded->guard);
	cJSON_AddNumberToObject(o, "age_seconds", (double)(tnd_monotonic() - r->started) / 1e9);
	return o;
}

static const char *word(const cJSON *o, const char *key)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

	return s ? s : "";
}

/* Where a variant is, by its part of a report: symbol or module with an offset, or an address. */
static void site_words(const cJSON *side, char *to)
{
	const cJSON *p = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(side, "backtrace"), 0);
	const char *module = word(p, "module"), *symbol = word(p, "symbol");
	const char *slash = strrchr(module, '/');

	module = slash ? slash + 1 : module;
	if (*symbol)
		snprintf(to, REPORT_SITE, "%s+%s (%s)", symbol, word(p, "offset"), module);
	else if (*module)
		snprintf(to, REPORT_SITE, "%s+%s", module, word(p, "offset"));
	else
		snprintf(to, REPORT_SITE, "%s", word(p, "address"));
}

static char *render(const struct running *r, const struct evidence *e, bool symbols, char *site)
{
	const struct divergence *d = &e->divergence;
	cJSON *o = cJSON_CreateObject(), *variants = cJSON_CreateArray();
	char when[32];
	time_t now = time(NULL);
	struct tm utc;
	char *text;

	gmtime_r(&now, &utc);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc);
	cJSON_AddNumberToObject(o, "version", 1);
	cJSON_AddStringToObject(o, "time", when);
	cJSON_AddStringToObject(o, "kind", stop_kind_word(d->kind));
	cJSON_AddStringToObject(o, "title", stop_kind_name(d->kind));
	add_text(o, "text", d->text);
	cJSON_AddNumberToObject(o, "status", stop_kind_status(d->kind));
	cJSON_AddNumberToObject(o, "reported_by", r->config->variants[e->reporter].id);
	cJSON_AddNumberToObject(o, "stream", d->stream);
	cJSON_AddNumberToObject(o, "parent_stream", e->variant[e->reporter].state.parent);
	cJSON_AddNumberToObject(o, "thread", d->thread);
	cJSON_AddNumberToObject(o, "position", (double)d->position);
	if (d->kind == STOP_UNSUPPORTED)
		cJSON_AddNumberToObject(o, "native_number", (double)(int64_t)d->number);
	if (d->kind == DIVERGENCE_CRASH && d->number > 0 && d->number < 65)
		cJSON_AddNumberToObject(o, "signal", (double)d->number);
	cJSON_AddItemToObject(o, "session", session(r));
	for (unsigned v = 0; v < r->files.session->variants; v++)
		cJSON_AddItemToArray(variants,
				     hosts_here(r, v) ? variant(r, e, v, symbols) : remote(r, v));
	add_calls(variants, e);
	add_difference(o, e);
	cJSON_AddItemToObject(o, "variants", variants);
	cJSON_AddItemToObject(o, "processes", standing_list(r));
	site_words(cJSON_GetArrayItem(variants, (int)e->reporter), site);
	text = cJSON_Print(o);
	cJSON_Delete(o);
	return text;
}

static int store(const struct running *r, const struct evidence *e, bool symbols, char *path,
		 char *site)
{
	char *text = render(r, e, symbols, site);
	int error = text ? reports_store(r->config->report_dir, text, path) : -ENOMEM;

	free(text);
	return error;
}

struct answer {
	int error;
	char path[REPORT_PATH];
	char site[REPORT_SITE];
};

/* A child that may die of what it reads, or take too long. */
static void confine(const struct running *r)
{
	const struct rlimit none = {0, 0};
	sigset_t all;

	/* The variants' lives don't hang on this process. */
	close(r->guarded->life[1]);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setrlimit(RLIMIT_CORE, &none);
	alarm(REPORTER_SECONDS);
}

static __attribute__((noreturn)) void reporter(const struct running *r, const struct evidence *e,
					       int to)
{
	struct answer a = {0};

	confine(r);
	a.error = store(r, e, true, a.path, a.site);
	_exit(write(to, &a, sizeof(a)) == sizeof(a) ? 0 : 1);
}

int report_write(struct running *r, unsigned v, char *path, char *site)
{
	struct evidence *e = evidence_collect(r, v);
	struct answer a;
	ssize_t n = -1;
	int ends[2], error;
	pid_t child = -1;

	if (!e)
		return -ENOMEM;
	if (pipe(ends) == 0) {
		child = fork();
		if (child == 0) {
			close(ends[0]);
			reporter(r, e, ends[1]);
		}
		close(ends[1]);
		if (child > 0)
			n = read(ends[0], &a, sizeof(a)); /* one write of at most a pipe's room */
		close(ends[0]);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
	if (n == sizeof(a)) {
		strcpy(path, a.path);
		strcpy(site, a.site);
		error = a.error;
	} else {
		error = store(r, e, false, path, site);
	}
	evidence_free(e);
	return error;
}

static char *read_all(int fd)
{
	struct stat st;
	char *text;

	if (fstat(fd, &st) < 0 || st.st_size == 0)
		return NULL;
	text = calloc(1, (size_t)st.st_size + 1);
	if (text && pread(fd, text, (size_t)st.st_size, 0) == st.st_size)
		return text;
	free(text);
	return NULL;
}

static char *print_side(const struct running *r, const struct evidence *e, unsigned v, bool symbols)
{
	cJSON *o = variant(r, e, v, symbols);
	char *text = cJSON_PrintUnformatted(o);

	cJSON_Delete(o);
	return text;
}

char *report_side(struct running *r, const struct evidence *e, unsigned v)
{
	int fd = memfd_create("tandem-report", MFD_CLOEXEC), status = -1;
	pid_t child = fd < 0 ? -1 : fork();
	char *text = NULL;

	if (child == 0) {
		size_t bytes;

		confine(r);
		text = print_side(r, e, v, true);
		bytes = text ? strlen(text) : 0;
		_exit(text && write(fd, text, bytes) == (ssize_t)bytes ? 0 : 1);
	}
	if (child > 0 && waitpid(child, &status, 0) == child && status == 0)
		text = read_all(fd);
	if (fd >= 0)
		close(fd);
	return text ? text : print_side(r, e, v, false);
}
