/* SPDX-License-Identifier: MIT */
#include "arguments.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "flags.h"

const struct call_row *arguments_refine(uint32_t call, const struct arg_desc *arg,
					struct call_row *copy)
{
	const struct call_row *row = call_row(call);

	if (!row || !arg)
		return row;
	*copy = *row;
	for (int i = 0; i < 6; i++) {
		if (arg[i].type > ARG_FDSET)
			return row;
		copy->arg[i] = arg[i];
	}
	return copy;
}

/* Do the items of a row make up the bytes? */
static bool fits(const struct call_row *row, const uint8_t *packed, size_t bytes)
{
	size_t at = 0;

	for (int i = 0; i < 6; i++) {
		long n = pack_item(&row->arg[i], packed + at, bytes - at);

		if (n < 0)
			return false;
		at += (size_t)n;
	}
	return at == bytes;
}

const struct call_row *arguments_fit(const struct call_row *row, const uint8_t *packed,
				     size_t bytes, struct call_row *copy)
{
	static const enum arg_type others[] = {ARG_INT, ARG_IN_FIXED};

	if (!row || fits(row, packed, bytes))
		return row;
	for (int i = 0; i < 6; i++) {
		if (row->arg[i].type != ARG_IGNORE && row->arg[i].type != ARG_PTR)
			continue;
		for (size_t j = 0; j < sizeof(others) / sizeof(*others); j++) {
			*copy = *row;
			copy->arg[i] = (struct arg_desc){.type = (uint8_t)others[j]};
			if (fits(copy, packed, bytes))
				return copy;
		}
	}
	return row;
}

int arguments_count(const struct call_row *row)
{
	int n = 6;

	while (n > 0 && row->arg[n - 1].type == ARG_NONE)
		n--;
	return n;
}

void arguments_quote(const uint8_t *bytes, size_t n, char *to, size_t size)
{
	static const char names[] = "\a\b\t\n\v\f\r";
	size_t at = 0, i;

	if (size < 16) {
		snprintf(to, size, "%s", "");
		return;
	}
	to[at++] = '"';
	for (i = 0; i < n && at < size - 10; i++) {
		uint8_t c = bytes[i];

		if (c == '"' || c == '\\')
			at += (size_t)sprintf(to + at, "\\%c", c);
		else if (c >= 7 && c <= 13)
			at += (size_t)sprintf(to + at, "\\%c", "abtnvfr"[strchr(names, c) - names]);
		else if (c >= 32 && c < 127)
			to[at++] = (char)c;
		else
			at += (size_t)sprintf(to + at, "\\x%02x", c);
	}
	strcpy(to + at, i < n ? "\"..." : "\"");
}

void arguments_result(int64_t result, char *to, size_t size)
{
	if (result < 0 && result > -4096 && strerrorname_np((int)-result))
		snprintf(to, size, "-1 %s (%s)", strerrorname_np((int)-result),
			 strerrordesc_np((int)-result));
	else if (result > 0xffffffffll || result < -4096)
		snprintf(to, size, "0x%" PRIx64, (uint64_t)result);
	else
		snprintf(to, size, "%" PRId64, result);
}

static void scalar(const struct arg_desc *arg, uint64_t value, char *to, size_t size)
{
	const char *name;

	switch (arg->type) {
	case ARG_DIRFD:
		if ((int)value == AT_FDCWD) {
			snprintf(to, size, "AT_FDCWD");
			break;
		}
		/* fall through */
	case ARG_FD:
	case ARG_PID:
	case ARG_INT:
		snprintf(to, size, "%d", (int)value);
		break;
	case ARG_LONG:
		snprintf(to, size, "%" PRId64, (int64_t)value);
		break;
	case ARG_MODE:
		snprintf(to, size, "%#o", (unsigned)value);
		break;
	case ARG_SIGNAL:
		name = sigabbrev_np((int)value);
		if (name)
			snprintf(to, size, "SIG%s", name);
		else
			snprintf(to, size, "%d", (int)value);
		break;
	case ARG_FLAGS:
		flags_text(arg->aux, value, to, size);
		break;
	case ARG_UINT:
		snprintf(to, size, value < 10 ? "%" PRIu64 : "0x%" PRIx64, value);
		break;
	default:
		snprintf(to, size, "0x%" PRIx64, value);
	}
}

bool arguments_is_scalar(const struct arg_desc *arg)
{
	return arg->type >= ARG_INT && arg->type <= ARG_SIGNAL;
}

static void socket_address(const uint8_t *bytes, size_t n, char *to, size_t size)
{
	struct sockaddr_storage a = {0};
	char text[INET6_ADDRSTRLEN];

	memcpy(&a, bytes, n < sizeof(a) ? n : sizeof(a));
	if (a.ss_family == AF_INET && n >= sizeof(struct sockaddr_in)) {
		struct sockaddr_in *in = (void *)&a;

		snprintf(to, size, "%s:%u", inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text)),
			 ntohs(in->sin_port));
	} else if (a.ss_family == AF_INET6 && n >= sizeof(struct sockaddr_in6)) {
		struct sockaddr_in6 *in = (void *)&a;

		snprintf(to, size, "[%s]:%u",
			 inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof(text)),
			 ntohs(in->sin6_port));
	} else if (a.ss_family == AF_UNIX && n > 2 && bytes[2] == 0) {
		/* Abstract: ss(8) writes an at sign, too. */
		snprintf(to, size, "unix @");
		arguments_quote(bytes + 3, n - 3, to + 6, size - 6);
	} else if (a.ss_family == AF_UNIX && n > 2) {
		snprintf(to, size, "unix ");
		arguments_quote(bytes + 2, strnlen((const char *)bytes + 2, n - 2), to + 5,
				size - 5);
	} else {
		arguments_quote(bytes, n, to, size);
	}
}

static uint64_t word(const uint8_t *at)
{
	uint64_t w;

	memcpy(&w, at, sizeof(w));
	return w;
}

/* A number in memory, such as the value of a socket option: "[1]"; false: it isn't one. */
static bool number(const struct arg_desc *arg, const uint8_t *at, size_t n, char *to, size_t size)
{
	int32_t value;

	if ((arg->type != ARG_IN && arg->type != ARG_IN_FIXED && arg->type != ARG_INOUT_FIXED) ||
	    n != sizeof(value) || (at[0] >= 32 && at[1] >= 32))
		return false;
	memcpy(&value, at, sizeof(value));
	snprintf(to, size, "[%d]", value);
	return true;
}

/* What 8 bytes of a fixed size are in all calls but one: signals, or "~" and those that aren't. */
static bool signals(const struct arg_desc *arg, const uint8_t *at, size_t n, char *to, size_t size)
{
	uint64_t set;
	bool most;
	size_t used;

	if (arg->type != ARG_IN_FIXED || arg->size != sizeof(set) || n != sizeof(set))
		return false;
	memcpy(&set, at, sizeof(set));
	most = __builtin_popcountll(set) > 32;
	used = (size_t)snprintf(to, size, most ? "~[" : "[");
	for (int i = 1; i <= 64; i++) {
		const char *name = sigabbrev_np(i), *blank = to[used - 1] == '[' ? "" : " ";

		if ((set >> (i - 1) & 1) == most)
			continue;
		if (name)
			used += (size_t)snprintf(to + used, size - used, "%s%s", blank, name);
		else
			used += (size_t)snprintf(to + used, size - used, "%s%d", blank, i);
	}
	snprintf(to + used, size - used, "]");
	return true;
}

/* A length and bytes; a string keeps its NUL to itself. */
static void bytes_of(const struct arg_desc *arg, const uint8_t *at, size_t there, char *to,
		     size_t size)
{
	uint64_t n = word(at);
	char length[40] = "";

	there -= 8;
	if (arg->type == ARG_PATH && n && n <= there && at[8 + n - 1] == 0)
		n--;
	if (n > there)
		snprintf(length, sizeof(length), " (%" PRIu64 " bytes)", n);
	if (arg->type == ARG_SOCKADDR_IN)
		socket_address(at + 8, n < there ? n : there, to, size - sizeof(length));
	else if (!number(arg, at + 8, n < there ? n : there, to, size) &&
		 !signals(arg, at + 8, n < there ? n : there, to, size - sizeof(length)))
		arguments_quote(at + 8, n < there ? n : there, to, size - sizeof(length));
	strcat(to, length);
}

static void strings(const uint8_t *at, size_t there, char *to, size_t size)
{
	uint64_t count = word(at);
	const uint8_t *end = at + there;
	size_t used = (size_t)snprintf(to, size, "[");

	at += 8;
	for (uint64_t i = 0; i < count && used < size - 32; i++) {
		uint64_t n = end - at >= 8 ? word(at) : UINT64_MAX;

		if (n > (uint64_t)(end - at) - 8)
			break;
		used += (size_t)snprintf(to + used, size - used, i ? ", " : "");
		arguments_quote(at + 8, n ? n - 1 : 0, to + used, size - used - 8);
		used += strlen(to + used);
		at += 8 + ((n + 7) & ~7ull);
	}
	if (at < end)
		used += (size_t)snprintf(to + used, size - used, ", ...");
	snprintf(to + used, size - used, "]");
}

/* Appends "NAME VALUE" of one part of a message, bytes behind their length; what is left of n. */
static size_t part(const char *name, unsigned type, const uint8_t **at, size_t n, char *to,
		   size_t size)
{
	const struct arg_desc arg = {.type = (uint8_t)type};
	size_t used = strlen(to), bytes;
	bool last = !strcmp(name, "data");

	if (n < 8 || used + 256 > size)
		return 0;
	bytes = word(*at) == PACK_NULL || word(*at) == PACK_FAULT ? 0 : word(*at);
	if (bytes || last) {
		snprintf(to + used, size - used, "%s%s ", used > 1 ? ", " : "", name);
		used += strlen(to + used);
		/* What comes last may take all that is left. */
		bytes_of(&arg, *at, n, to + used, last ? size - used - 2 : (size - used) / 3);
	}
	bytes = 8 + ((bytes + 7) & ~7ull);
	if (bytes > n)
		return 0;
	*at += bytes;
	return n - bytes;
}

/* sendmsg: "{name 127.0.0.1:80, control "...", data "..."}"; of many the first. */
static void message(const uint8_t *at, size_t n, uint64_t count, char *to, size_t size)
{
	strcpy(to, "{");
	n = part("name", ARG_SOCKADDR_IN, &at, n, to, size - 16);
	n = part("control", ARG_IN, &at, n, to, size - 16);
	part("data", ARG_IN, &at, n, to, size - 16);
	strcat(to, "}");
	if (count > 1)
		snprintf(to + strlen(to), size - strlen(to), " ...");
}

/* rt_sigaction, as the monitor compares it: disposition, flags, mask. */
static void action(const uint8_t *at, char *to, size_t size)
{
	static const char *const dispositions[] = {"SIG_DFL", "SIG_IGN", "a handler"};
	static const struct {
		unsigned bit;
		const char *name;
	} bits[] = {{SA_NOCLDSTOP, "SA_NOCLDSTOP"}, {SA_NOCLDWAIT, "SA_NOCLDWAIT"},
		    {SA_SIGINFO, "SA_SIGINFO"},     {0x04000000, "SA_RESTORER"},
		    {SA_ONSTACK, "SA_ONSTACK"},     {SA_RESTART, "SA_RESTART"},
		    {SA_NODEFER, "SA_NODEFER"},     {(unsigned)SA_RESETHAND, "SA_RESETHAND"}};
	uint64_t disposition = word(at), flags = word(at + 8);
	size_t used = (size_t)snprintf(to, size, "{%s",
				       disposition < 3 ? dispositions[disposition] : "?");
	const char *before = ", ";

	for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++) {
		if (flags & bits[i].bit) {
			used += (size_t)snprintf(to + used, size - used, "%s%s", before,
						 bits[i].name);
			before = "|";
		}
	}
	snprintf(to + used, size - used, ", mask 0x%" PRIx64 "}", word(at + 16));
}

static void decode(const struct arg_desc *arg, const uint8_t *at, size_t n, char *to, size_t size)
{
	uint64_t first = word(at);

	if (arguments_is_scalar(arg)) {
		scalar(arg, first, to, size);
		return;
	}
	if (first == PACK_NULL || first == PACK_FAULT) {
		snprintf(to, size, first == PACK_NULL ? "NULL" : "(bad address)");
		return;
	}
	if (pack_is_bytes(arg->type)) {
		bytes_of(arg, at, n, to, size);
		return;
	}
	switch (arg->type) {
	case ARG_STRINGS:
		strings(at, n, to, size);
		break;
	case ARG_MSG_IN:
	case ARG_MMSG_IN:
		message(at + 8, n - 8, arg->type == ARG_MSG_IN ? 1 : first, to, size);
		break;
	case ARG_SOCKLEN:
	case ARG_IOV_OUT:
	case ARG_FILE_HANDLE:
		snprintf(to, size, "%" PRIu64 " bytes", first);
		break;
	default: /* pointers, and what the call writes */
		snprintf(to, size, n > 8 ? "(room)" : first ? "(address)" : "NULL");
	}
}

/* Has the table no row for it? */
static bool is_unknown(const struct call_row *row)
{
	return row->number_x86_64 < 0 && row->number_aarch64 < 0;
}

int arguments_decode(const struct call_row *row, const uint8_t *packed, size_t bytes, size_t total,
		     char text[][ARGUMENT_TEXT])
{
	int count = arguments_count(row);
	size_t at = 0;

	for (int i = 0; i < count; i++) {
		long n = pack_item(&row->arg[i], packed + at, bytes - at);

		if (row->arg[i].type == ARG_IGNORE) {
			strcpy(text[i], "_");
			continue;
		}
		if (n < 8 && total > bytes && bytes - at >= 8)
			n = (long)(bytes - at); /* cut off: show what there is */
		if (n < 8) {
			strcpy(text[i], at < bytes ? "(malformed)" : "(not kept)");
			at = bytes;
			continue;
		}
		if (i == 1 && n == 32 && !strcmp(row->name, "rt_sigaction"))
			action(packed + at + 8, text[i], ARGUMENT_TEXT);
		else
			decode(&row->arg[i], packed + at, (size_t)n, text[i], ARGUMENT_TEXT);
		at += (size_t)n;
	}
	if (is_unknown(row))
		strcpy(text[count++], "_");
	return count;
}

int arguments_registers(const struct call_row *row, int64_t number, const uint64_t args[6],
			char text[][ARGUMENT_TEXT])
{
	int count = arguments_count(row);

	if (is_unknown(row)) {
		snprintf(text[0], ARGUMENT_TEXT, "%" PRId64, number);
		for (int i = 0; i < 6; i++)
			snprintf(text[i + 1], ARGUMENT_TEXT, "0x%" PRIx64, args[i]);
		return ARGUMENTS_MOST;
	}
	for (int i = 0; i < count; i++) {
		const unsigned type = row->arg[i].type;

		if (!arguments_is_scalar(&row->arg[i]) && args[i] == 0 && type != ARG_IGNORE)
			strcpy(text[i], "NULL");
		else if (!arguments_is_scalar(&row->arg[i]) && type != ARG_IGNORE &&
			 type != ARG_PTR)
			strcpy(text[i], "*");
		else
			scalar(&row->arg[i], args[i], text[i], ARGUMENT_TEXT);
	}
	return count;
}

int arguments_unknown(const struct call_row *row, char text[][ARGUMENT_TEXT])
{
	int count = arguments_count(row) + is_unknown(row);

	for (int i = 0; i < count; i++)
		strcpy(text[i], "?");
	return count;
}

static void around(const char *text, size_t from, size_t room, char *to)
{
	size_t n = strlen(text);

	from = from < n ? from : n;
	n -= from;
	sprintf(to, "%s%.*s%s", from ? "..." : "", (int)(n < room ? n : room), text + from,
		n > room ? "..." : "");
}

void arguments_around(const char *a, const char *b, size_t room, char *a_to, char *b_to)
{
	size_t from = 0;

	while (a[from] && a[from] == b[from])
		from++;
	/* What differs is in sight anyway, or nothing does. */
	if (from < room / 2 || a[from] == b[from])
		from = 0;
	else
		from -= room / 4;
	/* Not in the middle of an escaped byte. */
	for (size_t i = 1; from && i < 4; i++) {
		if (a[from - i] == '\\') {
			from -= i;
			break;
		}
	}
	if (strlen(a) <= room && strlen(b) <= room)
		from = 0;
	around(a, from, room, a_to);
	around(b, from, room, b_to);
}
