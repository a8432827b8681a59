/* SPDX-License-Identifier: MIT */
/* Scattered bytes: iovec, msghdr, mmsghdr, in both directions. */
#include "pack_item.h"

/* iovecs are read this many at a time, each exactly once, without memory of our own. */
#define BATCH 8

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * Appends the bytes of an iovec in one piece. *one: the vector of one that
 * replaces it; what can't be read becomes one that gives the kernel's errno.
 */
static void gather(struct packer *k, uint64_t user, uint64_t count, struct io_vector *one)
{
	struct cursor *c = &k->out;
	struct io_vector batch[BATCH];
	size_t at = c->size, data = at + 8;
	uint64_t total = 0, n;

	for (uint64_t done = 0; done < count; done += n) {
		n = smaller(count - done, BATCH);
		*one = (struct io_vector){BAD_ADDRESS, 1};
		if (user_read(batch, (const void *)(user + done * sizeof(*batch)),
			      n * sizeof(*batch)) < 0)
			goto fault;
		for (uint64_t i = 0; i < n; i++) {
			uint64_t bytes = smaller(batch[i].size, RW_MAX - total);

			one->size = batch[i].size;
			if ((int64_t)batch[i].size < 0)
				goto fault;
			if (bytes && data + total + bytes <= c->capacity &&
			    user_read(c->buf + data + total, (const void *)batch[i].base, bytes) <
				    0)
				goto fault;
			total += bytes;
		}
	}
	put_u64(c, total);
	/* The padding goes behind bytes that are there already. */
	c->size = data + PACK_PADDED(total);
	for (size_t i = data + total; i < c->size && c->size <= c->capacity; i++)
		c->buf[i] = 0;
	*one = (struct io_vector){(uintptr_t)(c->buf + data), total};
	return;
fault:
	c->size = at;
	put_u64(c, PACK_FAULT);
}

/* As gather(), with the new vector in scratch: its address, and NULL as the program gave it. */
static uint64_t put_vector(struct packer *k, uint64_t user, uint64_t count)
{
	struct io_vector one, *s;

	if (user == 0 || count > IOV_MAX_COUNT) {
		put_u64(&k->out, user == 0 ? PACK_NULL : PACK_FAULT);
		return user == 0 ? 0 : BAD_ADDRESS;
	}
	gather(k, user, count, &one);
	s = (void *)cursor_take(&k->scratch, sizeof(*s));
	if (s)
		*s = one;
	return (uintptr_t)s;
}

/* Copies an iovec to receive into to scratch; packs the room in all. */
static uint64_t put_room(struct packer *k, uint64_t user, uint64_t count)
{
	struct io_vector *s;
	uint64_t room = 0;

	if (user == 0 || count > IOV_MAX_COUNT) {
		put_u64(&k->out, user == 0 ? PACK_NULL : PACK_FAULT);
		return user == 0 ? 0 : BAD_ADDRESS;
	}
	s = (void *)cursor_take(&k->scratch, count * sizeof(*s));
	if (s && user_read(s, (const void *)user, count * sizeof(*s)) < 0) {
		put_u64(&k->out, PACK_FAULT);
		return BAD_ADDRESS;
	}
	for (uint64_t i = 0; s && i < count; i++)
		room += smaller(s[i].size, RW_MAX - room);
	put_u64(&k->out, room);
	return (uintptr_t)s;
}

void put_iov_in(struct packer *k, uint64_t user, uint64_t count, uint64_t *exec)
{
	*exec = put_vector(k, user, count);
}

void put_iov_out(struct packer *k, uint64_t user, uint64_t count, uint64_t *exec)
{
	*exec = put_room(k, user, count);
}

/* Between control messages there is padding that nobody initialises. */
static void clean_control(uint8_t *p, uint64_t bytes)
{
	struct control_header h;
	uint64_t at = 0, end;

	while (bytes - at >= sizeof(h)) {
		__builtin_memcpy(&h, p + at, sizeof(h));
		if (h.size < sizeof(h) || h.size > bytes - at)
			return;
		end = smaller(at + PACK_PADDED(h.size), bytes);
		for (at += h.size; at < end; at++)
			p[at] = 0;
	}
}

static void send_header(struct packer *k, struct msg_header *h)
{
	uint64_t where = 0;
	int32_t name_size = (int32_t)h->name_size;

	if (h->name && name_size < 0) {
		put_u64(&k->out, PACK_FAULT);
	} else {
		if (name_size > (int32_t)NAME_MAX_BYTES)
			h->name_size = NAME_MAX_BYTES;
		put_sockaddr(k, h->name, h->name_size, &where);
		h->name = where;
	}
	if (h->control && h->control_size > RW_MAX) {
		put_u64(&k->out, PACK_FAULT);
		h->control = BAD_ADDRESS;
	} else {
		put_user(k, h->control, h->control_size, &where);
		if (where && where != BAD_ADDRESS && k->out.size <= k->out.capacity)
			clean_control((uint8_t *)where, h->control_size);
		h->control = where;
	}
	h->iov = put_vector(k, h->iov, h->iov_count);
	if (h->iov_count && h->iov_count <= IOV_MAX_COUNT)
		h->iov_count = 1;
}

static void receive_header(struct packer *k, struct msg_header *h)
{
	put_u64(&k->out, h->name ? h->name_size : PACK_NULL);
	put_u64(&k->out, h->control ? h->control_size : PACK_NULL);
	h->iov = put_room(k, h->iov, h->iov_count);
}

static void put_headers(struct packer *k, uint64_t user, uint64_t count, uint64_t stride,
			bool receive, uint64_t *exec)
{
	struct mmsg_header *s, h;
	size_t at = k->out.size;

	if (user == 0) {
		put_u64(&k->out, PACK_NULL);
		*exec = 0;
		return;
	}
	put_u64(&k->out, count);
	/* The headers that the kernel updates, then the same as they were. */
	s = (void *)cursor_take(&k->scratch, 2 * count * sizeof(*s));
	*exec = (uintptr_t)s;
	for (uint64_t i = 0; i < count; i++) {
		h.bytes = h.pad = 0;
		if (user_read(&h, (const void *)(user + i * stride), stride) < 0) {
			k->out.size = at;
			put_u64(&k->out, PACK_FAULT);
			*exec = BAD_ADDRESS;
			return;
		}
		if (receive)
			receive_header(k, &h.msg);
		else
			send_header(k, &h.msg);
		if (s)
			s[i] = s[count + i] = h;
	}
}

void put_msg(struct packer *k, uint64_t user, bool receive, uint64_t *exec)
{
	put_headers(k, user, 1, sizeof(struct msg_header), receive, exec);
}

void put_mmsg(struct packer *k, uint64_t user, uint64_t count, bool receive, uint64_t *exec)
{
	/* The kernel looks at no more of them. */
	put_headers(k, user, smaller(count, IOV_MAX_COUNT), sizeof(struct mmsg_header), receive,
		    exec);
}

void out_user(struct cursor *c, uint64_t user, uint64_t bytes)
{
	size_t at = c->size;
	uint8_t *p;

	if (user == 0) {
		put_u64(c, PACK_NULL);
		return;
	}
	put_u64(c, bytes);
	p = cursor_take(c, bytes);
	if (p && bytes && user_read(p, (const void *)user, bytes) < 0) {
		/* Another thread has unmapped it meanwhile; the follower's stays as it is. */
		c->size = at;
		put_u64(c, PACK_FAULT);
	}
}

int in_user(struct reader *r, uint64_t user, uint64_t most)
{
	uint64_t bytes = get_u64(r);
	const uint8_t *p;

	if (r->bad || bytes == PACK_NULL || bytes == PACK_FAULT)
		return 0;
	p = get_bytes(r, bytes);
	if (bytes > most || user == 0)
		r->bad = true;
	if (r->bad || bytes == 0)
		return 0;
	return user_write((void *)user, p, bytes);
}

void out_iov(struct cursor *c, uint64_t iov, uint64_t count, uint64_t bytes)
{
	const struct io_vector *v = (const void *)iov;
	size_t at = c->size, data = at + 8;
	uint64_t total = 0, n;

	if (iov == 0 || iov == BAD_ADDRESS)
		count = 0;
	for (uint64_t i = 0; i < count && total < bytes; i++, total += n) {
		n = smaller(v[i].size, bytes - total);
		if (n && data + total + n <= c->capacity &&
		    user_read(c->buf + data + total, (const void *)v[i].base, n) < 0) {
			put_u64(c, PACK_FAULT);
			return;
		}
	}
	put_u64(c, total);
	c->size = data + PACK_PADDED(total);
	for (size_t i = data + total; i < c->size && c->size <= c->capacity; i++)
		c->buf[i] = 0;
}

int in_iov(struct reader *r, uint64_t user, uint64_t count, uint64_t most)
{
	struct io_vector batch[BATCH];
	uint64_t bytes = get_u64(r), at = 0, n;
	const uint8_t *p;

	if (r->bad || bytes == PACK_NULL || bytes == PACK_FAULT)
		return 0;
	p = get_bytes(r, bytes);
	if (bytes > most || count > IOV_MAX_COUNT)
		r->bad = true;
	if (r->bad)
		return 0;
	for (uint64_t done = 0; done < count && at < bytes; done += BATCH) {
		n = smaller(count - done, BATCH);
		if (user_read(batch, (const void *)(user + done * sizeof(*batch)),
			      n * sizeof(*batch)) < 0)
			return -EFAULT;
		for (uint64_t i = 0; i < n && at < bytes; i++) {
			uint64_t part = smaller(batch[i].size, bytes - at);

			if (part && user_write((void *)batch[i].base, p + at, part) < 0)
				return -EFAULT;
			at += part;
		}
	}
	if (at < bytes)
		r->bad = true;
	return 0;
}

void out_msg(struct cursor *c, uint64_t user, uint64_t exec, unsigned index, unsigned count,
	     uint64_t bytes, bool multiple)
{
	const struct mmsg_header *s = (const void *)exec;
	const struct mmsg_header *now = &s[index], *was = &s[count + index];
	uint64_t at = user + index * sizeof(*now);
	uint32_t name_size = was->msg.name ? now->msg.name_size : 0;

	put_u64(c, name_size);
	put_u64(c, now->msg.control_size);
	put_u64(c, now->msg.flags);
	put_u64(c, bytes);
	out_user(c, was->msg.name, smaller(name_size, was->msg.name_size));
	out_user(c, was->msg.control, smaller(now->msg.control_size, was->msg.control_size));
	out_iov(c, was->msg.iov, was->msg.iov_count, bytes);
	if (!c->buf)
		return;
	if (was->msg.name)
		user_write((void *)(at + offsetof(struct msg_header, name_size)),
			   &now->msg.name_size, sizeof(now->msg.name_size));
	user_write((void *)(at + offsetof(struct msg_header, control_size)), &now->msg.control_size,
		   sizeof(now->msg.control_size));
	user_write((void *)(at + offsetof(struct msg_header, flags)), &now->msg.flags,
		   sizeof(now->msg.flags));
	if (multiple)
		user_write((void *)(at + offsetof(struct mmsg_header, bytes)), &now->bytes,
			   sizeof(now->bytes));
}

int in_msg(struct reader *r, uint64_t user, uint64_t bytes, bool multiple)
{
	struct mmsg_header h;
	uint64_t size, control_room;
	uint32_t name_room;
	int error;

	if (user_read(&h, (const void *)user, sizeof(h.msg)) < 0)
		return -EFAULT;
	name_room = h.msg.name_size;
	control_room = h.msg.control_size;
	h.msg.name_size = (uint32_t)get_u64(r);
	h.msg.control_size = get_u64(r);
	h.msg.flags = (uint32_t)get_u64(r);
	size = get_u64(r);
	if (size > UINT32_MAX || (!multiple && size != bytes) ||
	    (h.msg.control && h.msg.control_size > control_room))
		r->bad = true;
	if (r->bad)
		return 0;
	h.bytes = (uint32_t)size;
	error = in_user(r, h.msg.name, name_room);
	if (!error && !r->bad)
		error = in_user(r, h.msg.control, control_room);
	if (!error && !r->bad)
		error = in_iov(r, h.msg.iov, h.msg.iov_count, size);
	if (error || r->bad)
		return error;
	if (h.msg.name && user_write((void *)(user + offsetof(struct msg_header, name_size)),
				     &h.msg.name_size, sizeof(h.msg.name_size)) < 0)
		return -EFAULT;
	if (user_write((void *)(user + offsetof(struct msg_header, control_size)),
		       &h.msg.control_size, sizeof(h.msg.control_size)) < 0 ||
	    user_write((void *)(user + offsetof(struct msg_header, flags)), &h.msg.flags,
		       sizeof(h.msg.flags)) < 0)
		return -EFAULT;
	if (multiple && user_write((void *)(user + offsetof(struct mmsg_header, bytes)), &h.bytes,
				   sizeof(h.bytes)) < 0)
		return -EFAULT;
	return 0;
}

void out_mmsg_sent(struct cursor *c, uint64_t user, uint64_t exec, unsigned sent)
{
	const struct mmsg_header *s = (const void *)exec;
	uint8_t *p;

	put_u64(c, sent * 4ull);
	p = cursor_take(c, sent * 4ull);
	for (unsigned i = 0; p && i < sent; i++) {
		__builtin_memcpy(p + 4 * i, &s[i].bytes, 4);
		user_write((void *)(user + i * sizeof(*s) + offsetof(struct mmsg_header, bytes)),
			   &s[i].bytes, 4);
	}
}

int in_mmsg_sent(struct reader *r, uint64_t user, unsigned sent)
{
	uint64_t bytes = get_u64(r);
	const uint8_t *p = get_bytes(r, bytes);

	if (bytes != sent * 4ull)
		r->bad = true;
	for (unsigned i = 0; !r->bad && i < sent; i++)
		if (user_write((void *)(user + i * sizeof(struct mmsg_header) +
					offsetof(struct mmsg_header, bytes)),
			       p + 4 * i, 4) < 0)
			return -EFAULT;
	return 0;
}
