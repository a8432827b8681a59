/* SPDX-License-Identifier: MIT */
/*
 * What the packing files share: cursors over packed bytes, and the kernel's
 * structures as all 64-bit little-endian ISAs lay them out. Internal.
 */
#ifndef TANDEM_SYSCALLS_PACK_ITEM_H
#define TANDEM_SYSCALLS_PACK_ITEM_H

#include <errno.h>

#include "pack.h"

#define PACK_PADDED(bytes) (((uint64_t)(bytes) + 7) & ~7ull)

/* An address in the kernel's half: -EFAULT, whatever the program maps. */
#define BAD_ADDRESS 0xffff800000001000ull

/* The kernel's own limits. */
#define RW_MAX 0x7ffff000ull
#define IOV_MAX_COUNT 1024u
#define NAME_MAX_BYTES 128u /* struct sockaddr_storage */
#define STRING_MAX 131072u  /* MAX_ARG_STRLEN */
#define PATH_BYTES 4096u
#define HANDLE_MAX 128u
#define DESCRIPTORS_MAX (1u << 20)

struct io_vector {
	uint64_t base;
	uint64_t size;
};

struct msg_header {
	uint64_t name;
	uint32_t name_size;
	uint32_t pad;
	uint64_t iov;
	uint64_t iov_count;
	uint64_t control;
	uint64_t control_size;
	uint32_t flags;
	uint32_t pad2;
};

struct mmsg_header {
	struct msg_header msg;
	uint32_t bytes;
	uint32_t pad;
};

struct control_header {
	uint64_t size;
	uint32_t level;
	uint32_t type;
};

struct poll_entry {
	int32_t fd;
	uint16_t events;
	uint16_t revents;
};

struct sigset_arg {
	uint64_t set;
	uint64_t bytes;
};

struct file_handle_head {
	uint32_t bytes;
	uint32_t type;
};

_Static_assert(sizeof(struct msg_header) == 56 && sizeof(struct mmsg_header) == 64, "msghdr");

/* In and out values in scratch: what the kernel updates, and what it was before. */
#define SCRATCH_ORIGINAL(bytes) PACK_PADDED(bytes)

/*
 * Writing. A cursor goes on counting when the bytes don't fit, so that one pass says
 * how much is needed; buf == NULL counts only.
 */
struct cursor {
	uint8_t *buf;
	size_t size;
	size_t capacity;
};

/* Room for a number of bytes, padded with zeros; NULL: they don't fit. */
static inline uint8_t *cursor_take(struct cursor *c, uint64_t bytes)
{
	uint64_t padded = PACK_PADDED(bytes), zero = 0;
	size_t at = c->size;

	c->size = at + padded;
	if (__builtin_expect(c->size > c->capacity, 0))
		return NULL;
	if (bytes & 7)
		__builtin_memcpy(c->buf + c->size - 8, &zero, 8);
	return c->buf + at;
}

static inline void put_u64(struct cursor *c, uint64_t value)
{
	uint8_t *p = cursor_take(c, 8);

	if (__builtin_expect(p != NULL, 1))
		__builtin_memcpy(p, &value, 8);
}

static inline void set_u64(struct cursor *c, size_t at, uint64_t value)
{
	if (at + 8 <= c->capacity)
		__builtin_memcpy(c->buf + at, &value, 8);
}

/* Reading of bytes that nobody vouches for. */
struct reader {
	const uint8_t *buf;
	size_t left;
	bool bad;
};

static inline uint64_t get_u64(struct reader *r)
{
	uint64_t value;

	if (r->left < 8) {
		r->bad = true;
		return 0;
	}
	__builtin_memcpy(&value, r->buf, 8);
	r->buf += 8;
	r->left -= 8;
	return value;
}

/* NULL with bad set: there are fewer. */
static inline const uint8_t *get_bytes(struct reader *r, uint64_t bytes)
{
	const uint8_t *p = r->buf;
	uint64_t padded = PACK_PADDED(bytes);

	if (bytes > r->left || padded > r->left) {
		r->bad = true;
		return NULL;
	}
	r->buf += padded;
	r->left -= padded;
	return p;
}

/* A scalar argument as the kernel sees it. */
static inline uint64_t scalar(unsigned type, uint64_t value)
{
	switch (type) {
	case ARG_INT:
	case ARG_FD:
	case ARG_DIRFD:
	case ARG_PID:
	case ARG_SIGNAL:
		return (uint64_t)(int64_t)(int32_t)value;
	case ARG_UINT:
	case ARG_FLAGS:
	case ARG_MODE:
		return (uint32_t)value;
	default:
		return value;
	}
}

/* A length or count that another argument says. */
static inline uint64_t said_by(const struct call_row *row, const uint64_t args[6],
			       const struct arg_desc *arg)
{
	return scalar(row->arg[arg->aux].type, args[arg->aux]);
}

/* What ARG_IPC is for a command: a scalar, or bytes in or out. */
struct ipc_arg {
	uint8_t type; /* ARG_LONG, ARG_IN_FIXED, ARG_OUT_FIXED, ARG_NONE */
	uint16_t size;
};
struct ipc_arg ipc_arg(const struct call_row *row, uint64_t command);

/* pack_in.c: packing in progress. */
struct packer {
	struct cursor out;
	struct cursor scratch;
	struct pack *pack;
	int one_iov; /* argument that counts the iovec: executed as 1 */
};

/* Length word and bytes of program memory; *exec: where the call finds them. */
void put_user(struct packer *k, uint64_t user, uint64_t bytes, uint64_t *exec);
/* The same with padding that the kernel ignores set to zero. */
void put_sockaddr(struct packer *k, uint64_t user, uint64_t bytes, uint64_t *exec);

/* pack_msg.c */
void put_iov_in(struct packer *k, uint64_t user, uint64_t count, uint64_t *exec);
void put_iov_out(struct packer *k, uint64_t user, uint64_t count, uint64_t *exec);
void put_msg(struct packer *k, uint64_t user, bool receive, uint64_t *exec);
void put_mmsg(struct packer *k, uint64_t user, uint64_t count, bool receive, uint64_t *exec);

/* Length word and bytes of program memory that the call has written. */
void out_user(struct cursor *c, uint64_t user, uint64_t bytes);
/* iov: the copy in scratch, count entries, bytes of it written. */
void out_iov(struct cursor *c, uint64_t iov, uint64_t count, uint64_t bytes);
/* Message index of count; exec: the headers in scratch. */
void out_msg(struct cursor *c, uint64_t user, uint64_t exec, unsigned index, unsigned count,
	     uint64_t bytes, bool multiple);
void out_mmsg_sent(struct cursor *c, uint64_t user, uint64_t exec, unsigned sent);

/* The follower's side of the four: 0 or -EFAULT; garbage sets bad in the reader. */
int in_user(struct reader *r, uint64_t user, uint64_t most);
int in_iov(struct reader *r, uint64_t user, uint64_t count, uint64_t most);
int in_msg(struct reader *r, uint64_t user, uint64_t bytes, bool multiple);
int in_mmsg_sent(struct reader *r, uint64_t user, unsigned sent);

#endif
