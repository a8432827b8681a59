/* SPDX-License-Identifier: MIT */
/*
 * Frames: what crosses a connection that is a stream of bytes. docs/protocol.md has the format
 * field by field. The decoder is pure: no state but a counter, no allocation, any bytes may be
 * given to it. Numbers are little endian on the wire.
 */
#ifndef TANDEM_TRANSPORT_FRAME_H
#define TANDEM_TRANSPORT_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_HEADER 24u
#define FRAME_PAYLOAD 65536u /* most bytes behind a header */

enum frame_type {
	FRAME_BYTES = 1, /* leader's host: bytes of a stream from `position` on */
	FRAME_WANT,      /* leader's host: the leader waits for the tail to get to `position` */
	FRAME_STREAMS,   /* leader's host: streams up to number `stream` may begin */
	FRAME_TAIL,      /* follower's host: everything below `position` is checked */
	FRAME_HALT,      /* follower's host: the leader must not execute anything further */
	FRAME_MESSAGE,   /* both: the supervisor's own, opaque here */
	FRAME_PING,      /* both: answered by a FRAME_PONG with the same position */
	FRAME_PONG,
	FRAME_BYE, /* both: nothing follows; the session is over as it should be */
	FRAME_TYPES
};

struct frame {
	enum frame_type type;
	uint32_t size; /* of the payload, which follows the header */
	uint32_t stream;
	uint64_t position;
};

/* On the wire, little endian. */
struct frame_header {
	uint32_t size;
	uint8_t type;
	uint8_t zero[3];
	uint32_t sequence;
	uint32_t stream;
	uint64_t position;
};

void frame_encode(uint8_t to[FRAME_HEADER], const struct frame *f, uint32_t sequence);

/*
 * Reads the header at `from`, of which `bytes` are there, and checks all that can be known from it
 * alone. sequence: the number that the next frame must have. 1: *f is filled in; 0: more than
 * `bytes` are needed; -EPROTO: *reason says what is wrong.
 */
int frame_decode(const uint8_t *from, size_t bytes, uint32_t sequence, struct frame *f,
		 const char **reason);

const char *frame_name(enum frame_type type);

#endif
