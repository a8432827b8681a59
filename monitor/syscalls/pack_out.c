/* SPDX-License-Identifier: MIT */
/* What a call has written: into canonical bytes, and from them into a follower. */
#include "pack_item.h"

/*
 * The canonical struct stat is x86-64's. An ISA with another one converts at
 * the two places that mention this size (out_arg() and in_arg()).
 */
#define STAT_BYTES 144

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool out_now(enum out_when when, long result)
{
	switch (when) {
	case OUT_ON_SUCCESS:
		return result >= 0;
	case OUT_IF_POSITIVE:
		return result > 0;
	case OUT_ON_EINTR:
		return result == -EINTR;
	case OUT_OR_EOVERFLOW:
		return result >= 0 || result == -EOVERFLOW;
	case OUT_UNLESS_EFAULT:
		return result != -EFAULT;
	}
	return false;
}

/* Most bytes of an argument that the result says something about. */
static uint64_t bytes_written(const struct call_row *row, const uint64_t args[6],
			      const struct arg_desc *arg, long result)
{
	uint64_t room = said_by(row, args, arg);

	switch (arg->type) {
	case ARG_OUT_RET:
		if ((int64_t)room < 0)
			return 0;
		return smaller((uint64_t)result, room) + arg->size;
	case ARG_OUT_VECTOR:
		if ((int64_t)room < 0)
			return 0;
		return smaller((uint64_t)result, room) * arg->size;
	case ARG_OUT_LEN:
		return room < RW_MAX ? room : RW_MAX;
	default:
		return 0;
	}
}

/* The part of a scratch copy that exists: not for NULL and not for bad addresses. */
static bool copied(uint64_t exec)
{
	return exec != 0 && exec != BAD_ADDRESS;
}

static void out_inout(struct cursor *c, uint64_t user, uint64_t exec, uint64_t bytes)
{
	const uint8_t *now = (const uint8_t *)exec, *was = now + SCRATCH_ORIGINAL(bytes);
	bool changed = false;
	uint8_t *p;

	for (uint64_t i = 0; i < bytes; i++)
		changed |= now[i] != was[i];
	if (!changed) {
		put_u64(c, 0);
		return;
	}
	put_u64(c, bytes);
	p = cursor_take(c, bytes);
	if (p)
		__builtin_memcpy(p, now, bytes);
	if (c->buf)
		user_write((void *)user, now, bytes);
}

static void out_pollfds(struct cursor *c, uint64_t user, uint64_t exec, uint64_t count)
{
	const struct poll_entry *s = (const void *)exec;
	uint8_t *p;

	put_u64(c, count * sizeof(s->revents));
	p = cursor_take(c, count * sizeof(s->revents));
	for (uint64_t i = 0; p && i < count; i++) {
		__builtin_memcpy(p + i * sizeof(s->revents), &s[i].revents, sizeof(s->revents));
		/* This field only: others of the array may be in use by another thread. */
		user_write((void *)(user + i * sizeof(*s) + offsetof(struct poll_entry, revents)),
			   &s[i].revents, sizeof(s->revents));
	}
}

static void out_copy(struct cursor *c, uint64_t user, const void *from, uint64_t bytes)
{
	uint8_t *p;

	put_u64(c, bytes);
	p = cursor_take(c, bytes);
	if (p)
		__builtin_memcpy(p, from, bytes);
	if (c->buf)
		user_write((void *)user, from, bytes);
}

static void out_socklen(struct cursor *c, uint64_t user, uint64_t exec)
{
	uint32_t now = *(const uint32_t *)exec;

	put_u64(c, now);
	if (c->buf)
		user_write((void *)user, &now, sizeof(now));
}

/* exec points behind the room that the program gave. */
static void out_file_handle(struct cursor *c, uint64_t user, uint64_t exec, long result)
{
	struct file_handle_head now, was;

	__builtin_memcpy(&was, (const void *)(exec - 8), sizeof(was));
	__builtin_memcpy(&now, (const void *)exec, sizeof(now));
	out_copy(c, user, (const void *)exec,
		 sizeof(now) +
			 (result < 0 ? 0 : smaller(now.bytes, smaller(was.bytes, HANDLE_MAX))));
}

/*
 * The rest of the types: results in scratch, and in more than one piece. Whether there
 * is an item depends on the result and on what is NULL only, so that a
 * follower knows it too; a scratch copy that was never made is PACK_FAULT.
 */
static void __attribute__((noinline))
out_special(struct cursor *c, const struct call_row *row, const uint64_t args[6], long result,
	    const struct pack *in, unsigned i)
{
	const struct arg_desc *arg = &row->arg[i];
	uint64_t user = args[i], exec = in->exec[i];
	const uint32_t *length;
	struct ipc_arg ipc;
	uint64_t n;

	if (user == 0)
		return;
	switch (arg->type) {
	case ARG_INOUT_FIXED:
		if (copied(exec))
			out_inout(c, user, exec, arg->size);
		else
			put_u64(c, PACK_FAULT);
		return;
	case ARG_FILE_HANDLE:
		if (!out_now(OUT_OR_EOVERFLOW, result))
			return;
		if (copied(exec))
			out_file_handle(c, user, exec, result);
		else
			put_u64(c, PACK_FAULT);
		return;
	case ARG_SIGSET_IN:
		return;
	case ARG_IPC:
		ipc = ipc_arg(row, said_by(row, args, arg));
		if (ipc.type == ARG_OUT_FIXED && result >= 0)
			out_user(c, user, ipc.size);
		return;
	default:
		break;
	}
	if (result < 0)
		return;
	if (arg->type == ARG_SOCKADDR_OUT || arg->type == ARG_OUT_VALUE) {
		exec = in->exec[arg->aux];
		if (args[arg->aux] == 0)
			return;
	}
	if (!copied(exec)) {
		put_u64(c, PACK_FAULT);
		return;
	}
	switch (arg->type) {
	case ARG_SOCKADDR_OUT:
	case ARG_OUT_VALUE:
		length = (const uint32_t *)exec;
		out_user(c, user, smaller(length[0], length[2]));
		break;
	case ARG_SOCKLEN:
		out_socklen(c, user, exec);
		break;
	case ARG_IOV_OUT:
		out_iov(c, exec, said_by(row, args, arg), (uint64_t)result);
		break;
	case ARG_MSG_OUT:
		out_msg(c, user, exec, 0, 1, (uint64_t)result, false);
		break;
	case ARG_MMSG_OUT:
		n = smaller(said_by(row, args, arg), IOV_MAX_COUNT);
		for (uint64_t m = 0; m < smaller((uint64_t)result, n); m++)
			out_msg(c, user, exec, (unsigned)m, (unsigned)n,
				((const struct mmsg_header *)exec)[m].bytes, true);
		break;
	case ARG_MMSG_IN:
		n = smaller(said_by(row, args, arg), IOV_MAX_COUNT);
		out_mmsg_sent(c, user, exec, (unsigned)smaller((uint64_t)result, n));
		break;
	case ARG_POLLFDS:
		out_pollfds(c, user, exec, said_by(row, args, arg));
		break;
	case ARG_FDSET:
		out_copy(c, user, (const void *)exec, (said_by(row, args, arg) + 63) / 64 * 8);
		break;
	default:
		break;
	}
}

static void out_all(struct cursor *c, const struct call_row *row, const uint64_t args[6],
		    long result, const struct pack *in)
{
	for (unsigned i = 0; i < 6; i++) {
		const struct arg_desc *arg = &row->arg[i];

		if (arg->type == ARG_NONE)
			return;
		if (arg->type < ARG_MMSG_IN)
			continue;
		switch (arg->type) {
		case ARG_OUT_RET:
		case ARG_OUT_LEN:
		case ARG_OUT_VECTOR:
			if (result >= 0)
				out_user(c, args[i], bytes_written(row, args, arg, result));
			break;
		case ARG_OUT_FIXED:
			if (out_now(arg->aux, result))
				out_user(c, args[i], arg->size);
			break;
		case ARG_OUT_STAT:
			if (result >= 0)
				out_user(c, args[i], STAT_BYTES);
			break;
		default:
			out_special(c, row, args, result, in, i);
			break;
		}
	}
}

size_t pack_outputs_bound(const struct call_row *row, const uint64_t args[6], long result,
			  const struct pack *in)
{
	struct cursor c = {NULL, 0, 0};

	out_all(&c, row, args, result, in);
	return c.size;
}

long pack_outputs(const struct call_row *row, const uint64_t args[6], long result,
		  const struct pack *in, uint8_t *buf, size_t capacity)
{
	struct cursor c = {buf, 0, capacity};

	out_all(&c, row, args, result, in);
	return c.size <= capacity ? (long)c.size : -ENOSPC;
}

/* The room behind a socklen_t of the follower's own. */
static uint64_t socklen(uint64_t user)
{
	uint32_t value;

	return user && user_read(&value, (const void *)user, sizeof(value)) == 0 ? value : 0;
}

static int in_exactly(struct reader *r, uint64_t user, uint64_t bytes, bool or_nothing)
{
	uint64_t length;

	if (r->left < 8) {
		r->bad = true;
		return 0;
	}
	__builtin_memcpy(&length, r->buf, 8);
	if (length != bytes && length != PACK_FAULT && !(or_nothing && length == 0) &&
	    !(user == 0 && length == PACK_NULL))
		r->bad = true;
	return r->bad ? 0 : in_user(r, user, bytes);
}

static int in_socklen(struct reader *r, uint64_t user)
{
	uint64_t item = get_u64(r);
	uint32_t value = (uint32_t)item;

	if (item != PACK_FAULT && item != value)
		r->bad = true;
	return r->bad || item == PACK_FAULT ? 0 : user_write((void *)user, &value, sizeof(value));
}

static int in_pollfds(struct reader *r, uint64_t user, uint64_t count)
{
	uint64_t bytes = get_u64(r);
	const uint8_t *p;

	if (bytes == PACK_FAULT)
		return 0;
	p = get_bytes(r, bytes);
	if (bytes != count * 2)
		r->bad = true;
	for (uint64_t i = 0; !r->bad && i < count; i++)
		if (user_write((void *)(user + i * sizeof(struct poll_entry) +
					offsetof(struct poll_entry, revents)),
			       p + i * 2, 2) < 0)
			return -EFAULT;
	return 0;
}

static int in_file_handle(struct reader *r, uint64_t user)
{
	struct file_handle_head head;

	if (user_read(&head, (const void *)user, sizeof(head)) < 0)
		return -EFAULT;
	return in_user(r, user, sizeof(head) + smaller(head.bytes, HANDLE_MAX));
}

/* One argument; the conditions are those of out_all() and out_special(). */
static int in_arg(struct reader *r, const struct call_row *row, const uint64_t args[6], long result,
		  unsigned i)
{
	const struct arg_desc *arg = &row->arg[i];
	uint64_t user = args[i], n;
	struct ipc_arg ipc;
	int error = 0;

	switch (arg->type) {
	case ARG_OUT_FIXED:
		return out_now(arg->aux, result) ? in_exactly(r, user, arg->size, false) : 0;
	case ARG_INOUT_FIXED:
		return user ? in_exactly(r, user, arg->size, true) : 0;
	case ARG_FILE_HANDLE:
		return user && out_now(OUT_OR_EOVERFLOW, result) ? in_file_handle(r, user) : 0;
	default:
		break;
	}
	if (result < 0)
		return 0;
	switch (arg->type) {
	case ARG_OUT_RET:
	case ARG_OUT_LEN:
	case ARG_OUT_VECTOR:
		return in_exactly(r, user, bytes_written(row, args, arg, result), false);
	case ARG_OUT_STAT:
		return in_exactly(r, user, STAT_BYTES, false);
	case ARG_SOCKADDR_OUT:
	case ARG_OUT_VALUE:
		n = args[arg->aux];
		return user && n ? in_user(r, user, socklen(n)) : 0;
	case ARG_SOCKLEN:
		return user ? in_socklen(r, user) : 0;
	case ARG_IOV_OUT:
		return user ? in_iov(r, user, said_by(row, args, arg), (uint64_t)result) : 0;
	case ARG_MSG_OUT:
		return user ? in_msg(r, user, (uint64_t)result, false) : 0;
	case ARG_MMSG_OUT:
		n = smaller((uint64_t)result, smaller(said_by(row, args, arg), IOV_MAX_COUNT));
		for (uint64_t m = 0; user && m < n && !error && !r->bad; m++)
			error = in_msg(r, user + m * sizeof(struct mmsg_header), 0, true);
		return error;
	case ARG_MMSG_IN:
		n = smaller((uint64_t)result, smaller(said_by(row, args, arg), IOV_MAX_COUNT));
		return user ? in_mmsg_sent(r, user, (unsigned)n) : 0;
	case ARG_POLLFDS:
		n = said_by(row, args, arg);
		return user ? in_pollfds(r, user, n) : 0;
	case ARG_FDSET:
		n = said_by(row, args, arg);
		return user ? in_exactly(r, user, (n + 63) / 64 * 8, false) : 0;
	case ARG_IPC:
		ipc = ipc_arg(row, said_by(row, args, arg));
		return user && ipc.type == ARG_OUT_FIXED ? in_exactly(r, user, ipc.size, false) : 0;
	default:
		return 0;
	}
}

int unpack_outputs(const struct call_row *row, const uint64_t args[6], long result,
		   const uint8_t *buf, size_t bytes)
{
	struct reader r = {buf, bytes, false};
	int error;

	for (unsigned i = 0; i < 6 && row->arg[i].type != ARG_NONE; i++) {
		if (row->arg[i].type < ARG_MMSG_IN)
			continue;
		error = in_arg(&r, row, args, result, i);
		if (r.bad)
			return -EPROTO;
		if (error)
			return error;
	}
	return r.left == 0 ? 0 : -EPROTO;
}
