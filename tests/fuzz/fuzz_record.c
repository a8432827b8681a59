/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer: any bytes as a stream of records. Each header is checked as a follower does, the
 * outputs of those that pass are unpacked into memory of a program that has asked for them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "syscalls/pack.h"
#include "transport/record.h"

#define LIMIT 4096u
#define WORDS 4096u
#define PLACE 1024u /* of the arguments, in words */

/*
 * The program's memory: addresses at even places and small numbers at odd ones, so that it is an
 * iovec, a msghdr, a socklen_t or whatever a row wants to see there.
 */
static uint64_t template[WORDS], memory[WORDS];

static bool inside(const void *p, size_t bytes)
{
	uintptr_t at = (uintptr_t)p - (uintptr_t)memory;

	return at <= sizeof(memory) && bytes <= sizeof(memory) - at;
}

int user_read(void *dst, const void *src, size_t bytes)
{
	if (!inside(src, bytes))
		return -EFAULT;
	memcpy(dst, src, bytes);
	return 0;
}

int user_write(void *dst, const void *src, size_t bytes)
{
	if (!inside(dst, bytes))
		return -EFAULT;
	memcpy(dst, src, bytes);
	return 0;
}

long user_strnlen(const char *s, size_t max)
{
	return inside(s, max) ? (long)strnlen(s, max) : -EFAULT;
}

static void program(const struct call_row *row, const struct record *r, uint64_t args[6])
{
	for (unsigned i = 0; i < WORDS && !template[1]; i += 2) {
		template[i] = (uintptr_t)&memory[PLACE + i % 64];
		template[i + 1] = i % 37;
	}
	memcpy(memory, template, sizeof(memory));
	for (unsigned i = 0; i < 6; i++) {
		switch (row->arg[i].type) {
		case ARG_INT:
		case ARG_UINT:
		case ARG_LONG:
		case ARG_IGNORE:
		case ARG_FLAGS:
			args[i] = (r->extra >> (8 * i)) & 0xff;
			break;
		default:
			args[i] = (uintptr_t)&memory[PLACE + 64 * i];
		}
	}
}

static void unpack(const struct record *r, const uint8_t *bytes)
{
	const struct call_row *row = call_row(r->call);
	size_t at = sizeof(*r) + RECORD_PADDED(r->args);
	uint64_t args[6] = {0};
	uint8_t *out;
	int error;

	if (at > r->size)
		abort();
	if (!row || (r->kind != RECORD_CALL && r->kind != RECORD_LEAVE))
		return;
	program(row, r, args);
	/* A copy of just this size: one byte too far is seen. */
	out = malloc(r->size - at);
	if (!out)
		abort();
	memcpy(out, bytes + at, r->size - at);
	error = unpack_outputs(row, args, r->result, out, r->size - at);
	if (error != 0 && error != -EPROTO && error != -EFAULT)
		abort();
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record r;

	while (size >= sizeof(r)) {
		memcpy(&r, data, sizeof(r));
		if (record_check(&r, LIMIT) < 0 || r.size > size)
			break;
		unpack(&r, data);
		data += r.size;
		size -= r.size;
	}
	return 0;
}
