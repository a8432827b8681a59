/* SPDX-License-Identifier: MIT */
#include "arguments.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

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
		snprintf(to, size, "0%o", (unsigned)value);
		break;
	case ARG_SIGNAL:
		name = sigabbrev_np((int)value);
		if (name)
			snprintf(to, size, "SIG%s", name);
		else
			snprintf(to, size, "%d", (int)value);
		break;
	case ARG_UINT:
	case ARG_FLAGS:
		snprintf(to, size, value < 10 ? "%" PRIu64 : "0x%" PRIx64, value);
		break;
	default:
		snprintf(to, size, "0x%" PRIx64, value);
	}
}

static bool is_scalar(const struct arg_desc *arg)
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
	} else if (a.ss_family == AF_UNIX && n > 2) {
		arguments_quote(bytes + 2, n - 2, to, size);
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
		socket_address(at + 8, n < there ? n : there, to, size);
	else
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

static void hex(const uint8_t *at, size_t n, char *to, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < n && used < size - 8; i++)
		used += (size_t)sprintf(to + used, "%s%02x", i && i % 8 == 0 ? " " : "", at[i]);
	if (2 * n > used)
		strcpy(to + used, "...");
}

static void decode(const struct arg_desc *arg, const uint8_t *at, size_t n, char *to, size_t size)
{
	uint64_t first = word(at);

	if (is_scalar(arg)) {
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
		hex(at + 8, n - 8, to, size);
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

int arguments_decode(const struct call_row *row, const uint8_t *packed, size_t bytes, size_t total,
		     char text[6][ARGUMENT_TEXT])
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
		decode(&row->arg[i], packed + at, (size_t)n, text[i], ARGUMENT_TEXT);
		at += (size_t)n;
	}
	return count;
}

int arguments_registers(const struct call_row *row, const uint64_t args[6],
			char text[6][ARGUMENT_TEXT])
{
	int count = arguments_count(row);

	for (int i = 0; i < count; i++) {
		if (!is_scalar(&row->arg[i]) && args[i] == 0 && row->arg[i].type != ARG_IGNORE)
			strcpy(text[i], "NULL");
		else
			scalar(&row->arg[i], args[i], text[i], ARGUMENT_TEXT);
	}
	return count;
}
