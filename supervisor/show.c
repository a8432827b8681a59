/* SPDX-License-Identifier: MIT */
#include "show.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "status.h"

#define ANSWER_MOST (4u << 20)
#define HALF_SECOND 500000000ll
#define SECOND 1000000000ll

static const cJSON *get(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

static double number(const cJSON *o, const char *key)
{
	const cJSON *n = get(o, key);

	return cJSON_IsNumber(n) ? n->valuedouble : 0;
}

static const char *text(const cJSON *o, const char *key)
{
	return cJSON_GetStringValue(get(o, key)) ?: "";
}

/* What a supervisor answers; NULL: it has just ended, or isn't ours. */
static cJSON *ask(const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	const struct timeval limit = {.tv_sec = 5};
	size_t length = strlen(name), size = 0;
	char *answer = NULL;
	cJSON *o = NULL;
	int fd;

	if (length > sizeof(a.sun_path) - 1)
		return NULL;
	memcpy(a.sun_path + 1, name, length);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return NULL;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&a,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length)) == 0 &&
	    (answer = malloc(ANSWER_MOST))) {
		ssize_t n;

		while (size < ANSWER_MOST &&
		       (n = recv(fd, answer + size, ANSWER_MOST - size, 0)) > 0)
			size += (size_t)n;
		if (size)
			o = cJSON_ParseWithLength(answer, size);
	}
	close(fd);
	free(answer);
	return o;
}

/* Sockets are found by their names: "@tandem/UID/PID" at the end of a line. */
static cJSON *ask_all(void)
{
	FILE *sockets = fopen("/proc/net/unix", "re");
	cJSON *list = cJSON_CreateArray();
	char line[512];

	if (!sockets) {
		fprintf(stderr, "tandem: /proc/net/unix: %s\n", strerror(errno));
		cJSON_Delete(list);
		return NULL;
	}
	while (fgets(line, sizeof(line), sockets)) {
		char *name = strstr(line, " @" STATUS_PREFIX);
		unsigned long flags = 0;
		char *end;

		/* The fourth field: 10000 for a socket that listens. */
		if (!name || sscanf(line, "%*s %*s %*s %lx", &flags) != 1 || !(flags & 0x10000))
			continue;
		name += 2;
		name[strcspn(name, "\n")] = 0;
		if (getuid() != 0 &&
		    (strtoul(name + strlen(STATUS_PREFIX), &end, 10) != getuid() || *end != '/'))
			continue;
		cJSON_AddItemToArray(list, ask(name));
	}
	fclose(sockets);
	return list;
}

static double calls(const cJSON *variant)
{
	const cJSON *c = get(variant, "calls");

	return number(c, "world") + number(c, "private") + number(c, "both");
}

static double rate(double now, double before, double seconds)
{
	return seconds > 0 && now > before ? (now - before) / seconds : 0;
}

/* Null: its host hasn't said anything new meanwhile. */
static void add_rate(cJSON *variant, const cJSON *before, const char *name, double counted,
		     double seconds)
{
	if (before && seconds <= 0)
		cJSON_AddNullToObject(variant, name);
	else
		cJSON_AddNumberToObject(variant, name, rate(counted, 0, seconds));
}

/*
 * Lag in time is bytes behind over bytes a second (Little's law): the leader's host knows both of
 * them at any time, while the other counters are as old as what the follower's host has said.
 */
static void add_lag(cJSON *variant, const cJSON *before, double seconds)
{
	cJSON *lag = cJSON_GetObjectItemCaseSensitive(variant, "lag");
	double behind = number(lag, "bytes");
	double speed = rate(number(lag, "acknowledged"), number(get(before, "lag"), "acknowledged"),
			    seconds);

	if (!lag)
		return;
	if (speed > 0 || behind == 0)
		cJSON_AddNumberToObject(lag, "microseconds", behind ? behind / speed * 1e6 : 0);
	else
		cJSON_AddNullToObject(lag, "microseconds");
}

/* seconds: between the two looks. */
static void add_rates(cJSON *variant, const cJSON *before, double seconds)
{
	double told = number(variant, "as_of_seconds") - number(before, "as_of_seconds");

	add_rate(variant, before, "calls_per_second", calls(variant) - calls(before), told);
	add_rate(variant, before, "records_per_second",
		 number(variant, "records") - number(before, "records"), told);
	add_rate(variant, before, "bytes_per_second",
		 number(variant, "bytes") - number(before, "bytes"), told);
	add_lag(variant, before, seconds);
}

static const cJSON *same(const cJSON *list, const char *key, double value)
{
	const cJSON *o;

	cJSON_ArrayForEach(o, list)
	{
		if (number(o, key) == value)
			return o;
	}
	return NULL;
}

/*
 * When the list was made, by the clock of the host that made it, which on a follower's isn't this
 * one: the leader's counters are never old there.
 */
static double moment(const cJSON *session)
{
	const cJSON *variant;
	double last = 0;

	cJSON_ArrayForEach(variant, get(session, "variants"))
	{
		if (number(variant, "as_of_seconds") > last)
			last = number(variant, "as_of_seconds");
	}
	return last;
}

static void compare(cJSON *now, const cJSON *before)
{
	cJSON *session, *variant;

	cJSON_ArrayForEach(session, now)
	{
		const cJSON *old = same(before, "supervisor", number(session, "supervisor"));
		double seconds = moment(session) - moment(old);

		cJSON_ArrayForEach(variant, cJSON_GetObjectItemCaseSensitive(session, "variants"))
			add_rates(variant, same(get(old, "variants"), "id", number(variant, "id")),
				  seconds);
	}
}

/* 1234567 as 1.23M */
static const char *shorten(char to[16], double n)
{
	static const char units[] = " kMGTP";
	int unit = 0;

	while (n >= 1000 && unit < 5) {
		n /= 1000;
		unit++;
	}
	if (unit)
		snprintf(to, 16, "%.*f%c", n < 10 ? 2 : n < 100 ? 1 : 0, n, units[unit]);
	else
		snprintf(to, 16, "%.0f", n);
	return to;
}

static const char *shorten_rate(char to[16], const cJSON *n)
{
	return cJSON_IsNumber(n) ? shorten(to, n->valuedouble) : "?";
}

static void put_clean(FILE *out, const char *s)
{
	for (; *s; s++)
		fputc(*s >= 32 && *s < 127 ? *s : '?', out);
}

/* The sizes of batches that there were: "1.02k-2.05k 34%". */
static void print_batches(FILE *out, const cJSON *link)
{
	double all = number(link, "batches");
	int class = 0, shown = 0;
	const cJSON *n;
	char from[16], to[16];

	cJSON_ArrayForEach(n, get(link, "batch_sizes"))
	{
		double size = (double)(1ull << class);

		if (++class == 64)
			break;

		if (!cJSON_IsNumber(n) || n->valuedouble < all / 100 || all == 0)
			continue;
		fprintf(out, "%s %s-%s %.0f%%", shown++ ? "," : "; batches of",
			shorten(from, size / 2), shorten(to, size - 1), 100 * n->valuedouble / all);
	}
}

static void print_link(FILE *out, const cJSON *v)
{
	const cJSON *link = get(v, "link");
	char a[16], b[16], d[16];

	if (!*text(v, "host"))
		return;
	fputs("    at ", out);
	put_clean(out, text(v, "host"));
	if (get(v, "lost"))
		fputs(", lost", out);
	if (link) {
		fputs(": ", out);
		put_clean(out, text(link, "carrier"));
		fprintf(out, "; out %s bytes in %s batches, in %s bytes",
			shorten(a, number(link, "bytes_out")), shorten(b, number(link, "batches")),
			shorten(d, number(link, "bytes_in")));
		/* Of a heartbeat, which a link that always has something to say doesn't need. */
		if (number(link, "round_trip_nanoseconds") > 0)
			fprintf(out, "; round trip %.0f us",
				number(link, "round_trip_nanoseconds") / 1e3);
		print_batches(out, link);
	}
	fputc('\n', out);
}

static void print_variant(FILE *out, const cJSON *v)
{
	const cJSON *lag = get(v, "lag"), *lockstep = get(v, "lockstep"), *sites = get(v, "sites");
	const cJSON *c = get(v, "calls"), *time = get(lag, "microseconds"), *pid;
	char a[16], b[16], d[16], e[16];
	int shown = 0;

	/* What a follower's host shows comes from the leader's. */
	fprintf(out, "  variant %.0f, ", number(v, "id"));
	put_clean(out, text(v, "role"));
	fprintf(out, ": %.0f processes, %.0f threads; pid", number(v, "processes"),
		number(v, "threads"));
	cJSON_ArrayForEach(pid, get(v, "pids"))
	{
		if (shown++ == 8) {
			fputs(" ...", out);
			break;
		}
		fprintf(out, " %.0f", pid->valuedouble);
	}
	fprintf(out, "\n    calls %s/s  records %s/s  bytes %s/s",
		shorten_rate(a, get(v, "calls_per_second")),
		shorten_rate(b, get(v, "records_per_second")),
		shorten_rate(d, get(v, "bytes_per_second")));
	if (lag) {
		fprintf(out, "\n    behind by %s records, %s bytes, ",
			shorten(a, number(lag, "records")), shorten(b, number(lag, "bytes")));
		if (cJSON_IsNumber(time))
			fprintf(out, "%.0f us", time->valuedouble);
		else
			fputs("standing still", out);
	}
	fprintf(out, "\n    calls so far: world %s, private %s, both %s",
		shorten(a, number(c, "world")), shorten(b, number(c, "private")),
		shorten(d, number(c, "both")));
	fprintf(out, "\n    lockstep: %s waits, %.3f s; sites: %s patched, %s trapping, %s traps\n",
		shorten(a, number(lockstep, "waits")), number(lockstep, "nanoseconds") / 1e9,
		shorten(b, number(sites, "patched")), shorten(d, number(sites, "trapping")),
		shorten(e, number(sites, "traps")));
	print_link(out, v);
}

static void print(FILE *out, const cJSON *sessions)
{
	const cJSON *s, *v, *a;

	if (cJSON_GetArraySize(sessions) == 0)
		fputs("no runs\n", out);
	cJSON_ArrayForEach(s, sessions)
	{
		fprintf(out, "run %.0f:", number(s, "pid"));
		cJSON_ArrayForEach(a, get(s, "program"))
		{
			fputc(' ', out);
			put_clean(out, cJSON_GetStringValue(a) ?: "?");
		}
		fprintf(out, "\n  policy %s, compare %s, trap %s, %.1f s\n", text(s, "policy"),
			text(s, "compare"), text(s, "trap"), number(s, "age_seconds"));
		cJSON_ArrayForEach(v, get(s, "variants")) print_variant(out, v);
	}
}

static int print_json(FILE *out, cJSON *sessions, bool one_line)
{
	cJSON *o = cJSON_CreateObject();
	char *s;

	cJSON_AddItemReferenceToObject(o, "sessions", sessions);
	s = one_line ? cJSON_PrintUnformatted(o) : cJSON_Print(o);
	cJSON_Delete(o);
	if (!s)
		return -ENOMEM;
	fprintf(out, "%s\n", s);
	free(s);
	return 0;
}

static void rest(int64_t ns)
{
	struct timespec t = {ns / SECOND, ns % SECOND};

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) == EINTR)
		;
}

int show_status(FILE *out, bool watch, bool json)
{
	cJSON *before = ask_all(), *now;
	int error = before ? 0 : -EIO;

	while (!error) {
		/* Nothing to compare: nothing to wait for. */
		if (cJSON_GetArraySize(before) || watch)
			rest(watch ? SECOND : HALF_SECOND);
		now = ask_all();
		if (!now)
			break;
		compare(now, before);
		if (watch && !json && isatty(fileno(out)))
			fputs("\033[H\033[J", out);
		if (json)
			error = print_json(out, now, watch);
		else
			print(out, now);
		if (fflush(out) || ferror(out)) {
			fprintf(stderr, "tandem: standard output: %s\n", strerror(errno));
			error = -EIO;
		}
		cJSON_Delete(before);
		before = now;
		if (!watch)
			break;
	}
	cJSON_Delete(before);
	return error || !before ? STATUS_SETUP : 0;
}
