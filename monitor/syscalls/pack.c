/* SPDX-License-Identifier: MIT */
/* Looking at packed arguments, for reports: nothing here is on a call's path. */
#include "pack_item.h"

static void skip_bytes(struct reader *r)
{
	uint64_t bytes = get_u64(r);

	if (!r->bad && bytes != PACK_NULL && bytes != PACK_FAULT)
		get_bytes(r, bytes);
}

/* A count, then so many times a number of byte items and words. */
static void skip_all(struct reader *r, unsigned items, unsigned words)
{
	uint64_t count = get_u64(r);

	if (count == PACK_NULL || count == PACK_FAULT)
		return;
	for (; count && !r->bad; count--) {
		for (unsigned i = 0; i < items; i++)
			skip_bytes(r);
		for (unsigned i = 0; i < words; i++)
			get_u64(r);
	}
}

bool pack_is_bytes(unsigned type)
{
	switch (type) {
	case ARG_PATH:
	case ARG_IN:
	case ARG_IN_FIXED:
	case ARG_IN_VECTOR:
	case ARG_IOV_IN:
	case ARG_SOCKADDR_IN:
	case ARG_SIGSET_IN:
	case ARG_INOUT_FIXED:
	case ARG_POLLFDS:
	case ARG_FDSET:
	case ARG_IPC:
		return true;
	default:
		return false;
	}
}

long pack_item(const struct arg_desc *arg, const uint8_t *buf, size_t bytes)
{
	struct reader r = {buf, bytes, false};

	switch (arg->type) {
	case ARG_NONE:
	case ARG_IGNORE:
		return 0;
	case ARG_STRINGS:
		skip_all(&r, 1, 0);
		break;
	case ARG_MSG_IN:
	case ARG_MMSG_IN:
		skip_all(&r, 3, 0);
		break;
	case ARG_MSG_OUT:
	case ARG_MMSG_OUT:
		skip_all(&r, 0, 3);
		break;
	default:
		if (pack_is_bytes(arg->type))
			skip_bytes(&r);
		else
			get_u64(&r);
		break;
	}
	return r.bad ? -EPROTO : (long)(bytes - r.left);
}

/* Where two items differ; -1: nowhere. */
static long first_difference(const uint8_t *a, size_t a_bytes, const uint8_t *b, size_t b_bytes)
{
	size_t both = a_bytes < b_bytes ? a_bytes : b_bytes;

	for (size_t i = 0; i < both; i++)
		if (a[i] != b[i])
			return (long)i;
	return a_bytes == b_bytes ? -1 : (long)both;
}

/* The bytes behind a length word, without their padding; false: there are none. */
static bool content(const uint8_t **p, size_t *bytes)
{
	uint64_t length;

	__builtin_memcpy(&length, *p, 8);
	if (length == PACK_NULL || length == PACK_FAULT)
		return false;
	*p += 8;
	*bytes = length;
	return true;
}

bool pack_difference(const struct call_row *row, const uint8_t *a, size_t a_bytes, const uint8_t *b,
		     size_t b_bytes, int *arg, size_t *offset)
{
	for (int i = 0; i < 6 && row->arg[i].type != ARG_NONE; i++) {
		long a_item = pack_item(&row->arg[i], a, a_bytes);
		long b_item = pack_item(&row->arg[i], b, b_bytes);
		const uint8_t *p = a, *q = b;
		/* A malformed item is all that is left. */
		size_t p_bytes = a_item < 0 ? a_bytes : (size_t)a_item;
		size_t q_bytes = b_item < 0 ? b_bytes : (size_t)b_item;
		long at = first_difference(p, p_bytes, q, q_bytes);

		if (at >= 0) {
			*arg = i;
			*offset = (size_t)at;
			if (a_item > 0 && b_item > 0 && pack_is_bytes(row->arg[i].type)) {
				*offset = 0;
				if (content(&p, &p_bytes) && content(&q, &q_bytes)) {
					at = first_difference(p, p_bytes, q, q_bytes);
					*offset = at < 0 ? 0 : (size_t)at;
				}
			}
			return true;
		}
		a += p_bytes;
		a_bytes -= p_bytes;
		b += q_bytes;
		b_bytes -= q_bytes;
	}
	*arg = 6;
	*offset = 0;
	return a_bytes != 0 || b_bytes != 0;
}
