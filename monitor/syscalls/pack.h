/* SPDX-License-Identifier: MIT */
/*
 * Packing: the canonical bytes of a call's arguments and results.
 *
 * Both variants pack their own arguments with the same function; equal bytes
 * mean equal calls. The leader also *executes* from the packed copy, so what
 * was compared is what happens (no time of check to time of use).
 *
 * Packed arguments, in the order of the row, each item 8-byte aligned,
 * little-endian:
 *   scalar                      u64 (extended as its type says)
 *   ARG_IGNORE                  nothing
 *   ARG_PTR, every OUT type     u64, 0 for NULL and 1 otherwise; ARG_IOV_OUT: the room in
 *                               all instead of 1; ARG_SOCKLEN: its value
 *   bytes, strings, structs     u64 length, then the bytes, zero-padded to 8; strings
 *                               with their NUL, PATH_MAX bytes without one if too long
 *   ARG_IOV_IN                  u64 total length, the bytes in one piece
 *   ARG_STRINGS                 u64 count, then each string as above
 *   ARG_MSG_IN                  u64 1, then name, control, data (in one piece) as bytes
 *   ARG_MSG_OUT                 u64 1, u64 room each: name, control, data
 *   ARG_MMSG_IN, ARG_MMSG_OUT   u64 count, then each message as above
 *   ARG_FILE_HANDLE             u64 room
 *   ARG_IPC                     as bytes, none where the command takes none
 * Instead of the first word: PACK_NULL, or PACK_FAULT for an address that can't
 * be read (and a length the kernel refuses). Such an argument is executed with an
 * address that is bad for certain, so the kernel itself finds the errno, in its own order,
 * and no other thread can put bytes there that nobody has compared.
 *
 * What the kernel ignores isn't packed, since it is often uninitialised: padding
 * of socket addresses and control messages, msg_flags to send, revents, bits beyond an fd_set's
 * end.
 *
 * The packed outputs (after the call) follow the same rules: bytes for each
 * argument that the call writes with such a result, nothing for the others.
 *   ARG_SOCKLEN                 u64 value
 *   ARG_POLLFDS                 the revents as u16s
 *   ARG_MSG_OUT                 u64 name length, u64 control length, u64 flags, u64 msg_len,
 *                               then name, control and data as bytes
 *   ARG_MMSG_OUT                the same for each message
 *   ARG_MMSG_IN                 the msg_lens as u32s
 *
 * Nothing here allocates, calls libc or takes a lock. Program memory is read
 * and written through user_read()/user_write(), which survive bad addresses.
 * Errors: -ENOSPC, the buffer is too small (needed is then set); -EPROTO, a record
 * whose bytes don't fit the row (garbage); -EFAULT (unpack_outputs only), the follower's
 * memory isn't there although the leader's was.
 */
#ifndef TANDEM_SYSCALLS_PACK_H
#define TANDEM_SYSCALLS_PACK_H

#include "table.h"

#define PACK_NULL UINT64_MAX
#define PACK_FAULT (UINT64_MAX - 1)

/* Provided by the embedding program: 0 or -EFAULT. */
int user_read(void *dst, const void *src, size_t bytes);
int user_write(void *dst, const void *src, size_t bytes);
/* Length of a string up to max, or -EFAULT. */
long user_strnlen(const char *s, size_t max);

struct pack {
	uint8_t *buf;     /* the caller's, 8-byte aligned */
	size_t capacity;  /* bytes of it */
	size_t size;      /* bytes packed */
	size_t needed;    /* after -ENOSPC: a capacity that suffices */
	uint64_t exec[6]; /* arguments to execute the call with: in-pointers point into buf */
	/* Small structures that exec points to and that hold addresses (iovec, msghdr). */
	uint8_t *scratch;
	size_t scratch_capacity; /* at least 4096; grows as -ENOSPC asks (needed_scratch) */
	size_t needed_scratch;
};

/*
 * Packs the arguments of a call. buf, capacity, scratch and scratch_capacity
 * are set by the caller; the rest is the result. For the leader.
 */
int pack_args(const struct call_row *row, const uint64_t args[6], struct pack *p);

/*
 * Bytes that pack_outputs() will need at most, for a result.
 */
size_t pack_outputs_bound(const struct call_row *row, const uint64_t args[6], long result,
			  const struct pack *in);

/*
 * After execution: writes what the call wrote to buf; returns bytes or a negative errno.
 * Covers results < 0 too (a few calls write although they fail: poll no, nanosleep's
 * remainder with -EINTR yes). For calls executed from scratch structures (msghdr, mmsghdr,
 * socklen, timeouts, pollfds, fd_sets) also copies the kernel's updates back to the program's
 * structures (leader side); an update that the program has no memory for any more is dropped.
 * Reads of "in" only exec and what that points to in scratch: buf may have moved or gone.
 */
long pack_outputs(const struct call_row *row, const uint64_t args[6], long result,
		  const struct pack *in, uint8_t *buf, size_t capacity);

/*
 * Follower: writes packed outputs into the program's memory. bytes come from
 * another process and are not trusted: -EPROTO if they don't fit.
 */
int unpack_outputs(const struct call_row *row, const uint64_t args[6], long result,
		   const uint8_t *buf, size_t bytes);

/*
 * The size of one packed argument at the beginning of buf, -EPROTO if it is
 * malformed. 0 for arguments that aren't packed. For reports.
 */
long pack_item(const struct arg_desc *arg, const uint8_t *buf, size_t bytes);

/* Is an argument of this type packed as one length and its bytes? */
bool pack_is_bytes(unsigned type);

/*
 * Where two packed argument blocks differ first: sets the argument's index and the offset
 * within it: within the bytes behind the length word where it is bytes or a string, else
 * within the item. Index 6: one block has bytes behind the last argument. false: they are
 * equal. For reports.
 */
bool pack_difference(const struct call_row *row, const uint8_t *a, size_t a_bytes, const uint8_t *b,
		     size_t b_bytes, int *arg, size_t *offset);

#endif
