/* SPDX-License-Identifier: MIT */
#include "frame.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

_Static_assert(sizeof(struct frame_header) == FRAME_HEADER, "no holes");

static const struct {
	const char *name;
	bool payload, stream, position; /* what it has; the others are zero */
} types[FRAME_TYPES] = {
	[FRAME_BYTES] = {"bytes", true, true, true},
	[FRAME_WANT] = {"want", false, true, true},
	[FRAME_STREAMS] = {"streams", false, true, false},
	[FRAME_TAIL] = {"tail", false, true, true},
	[FRAME_HALT] = {"halt", false, false, false},
	[FRAME_MESSAGE] = {"message", true, false, false},
	[FRAME_PING] = {"ping", false, false, true},
	[FRAME_PONG] = {"pong", false, false, true},
	[FRAME_BYE] = {"bye", false, false, false},
};

const char *frame_name(enum frame_type type)
{
	return type > 0 && type < FRAME_TYPES ? types[type].name : "?";
}

void frame_encode(uint8_t to[FRAME_HEADER], const struct frame *f, uint32_t sequence)
{
	struct frame_header h = {
		.size = htole32(f->size),
		.type = (uint8_t)f->type,
		.sequence = htole32(sequence),
		.stream = htole32(f->stream),
		.position = htole64(f->position),
	};

	memcpy(to, &h, sizeof(h));
}

static const char *check(const struct frame_header *h, uint32_t sequence, const struct frame *f)
{
	if (h->type == 0 || h->type >= FRAME_TYPES)
		return "a frame of no known type";
	if (h->zero[0] || h->zero[1] || h->zero[2])
		return "a frame's reserved bytes aren't zero";
	if (le32toh(h->sequence) != sequence)
		return "a frame is out of sequence (replayed, reordered or lost)";
	if (f->size > FRAME_PAYLOAD)
		return "a frame is larger than allowed";
	if (types[h->type].payload != (f->size != 0))
		return f->size ? "a frame has a payload that its type hasn't"
			       : "a frame's payload is empty";
	if ((f->stream && !types[h->type].stream) || (f->position && !types[h->type].position))
		return "a frame has a stream or position that its type hasn't";
	if (f->position > UINT64_MAX / 2)
		return "a frame's position is beyond all streams";
	return NULL;
}

int frame_decode(const uint8_t *from, size_t bytes, uint32_t sequence, struct frame *f,
		 const char **reason)
{
	struct frame_header h;

	if (bytes < FRAME_HEADER)
		return 0;
	memcpy(&h, from, sizeof(h));
	f->type = (enum frame_type)h.type;
	f->size = le32toh(h.size);
	f->stream = le32toh(h.stream);
	f->position = le64toh(h.position);
	*reason = check(&h, sequence, f);
	return *reason ? -EPROTO : 1;
}
