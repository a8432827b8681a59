/* SPDX-License-Identifier: MIT */
/*
 * The carrier over a stream socket. A batch is what there is when the one before has left: frames,
 * whose payload is sent straight from the rings when the link is trusted, or copied into a box and
 * sealed. What comes goes through a buffer; on a trusted link the rest of a frame that is there in
 * part only is received straight into the ring.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "carrier.h"
#include "seal.h"
#include "wire.h"

#define HEADERS 128u
#define VECTORS 192u
#define BATCH (512u << 10) /* bytes, trusted: more waits for the next batch */
#define BOXES 4u           /* sealed */
#define BUFFER (4u * SEAL_BOX)
#define DIRECT_MORE 4096u /* received into the buffer behind what goes straight to the ring */

struct batch {
	struct iovec iov[VECTORS];
	unsigned iovs, headers;
	size_t bytes; /* of frames */
	uint32_t sequence;
	bool leaving;
	uint8_t header[HEADERS][FRAME_HEADER];
	uint8_t message[FRAME_PAYLOAD]; /* one a batch */
	bool has_message;
};

struct tcp {
	struct carrier c;
	struct wire wire;
	bool sealed, eof;
	struct seal seal, unseal;
	struct batch out;
	/* Sealed: boxes of this batch, the last one open yet. */
	uint8_t *box; /* BOXES * SEAL_BOX */
	unsigned boxes;
	size_t closed, plain; /* bytes of closed boxes; in the open one */

	uint8_t *in; /* BUFFER */
	size_t in_at, in_end;
	uint32_t in_sequence;
	struct iovec in_iov[2];
	/* Trusted: what is missing of a payload goes there. */
	struct {
		uint8_t *to;
		uint32_t left, stream;
		uint64_t head;
	} direct;
	unsigned frames; /* came in this poll */
};

/* ---- out ---- */

static void begin_batch(struct tcp *t)
{
	struct batch *b = &t->out;

	t->boxes = 0;
	t->closed = t->plain = 0;
	b->iovs = b->headers = 0;
	b->bytes = 0;
	b->leaving = b->has_message = false;
}

static void add_iov(struct batch *b, const void *bytes, size_t n)
{
	struct iovec *last = b->iovs ? &b->iov[b->iovs - 1] : NULL;

	if (last && (const uint8_t *)last->iov_base + last->iov_len == bytes)
		last->iov_len += n;
	else
		b->iov[b->iovs++] = (struct iovec){.iov_base = (void *)bytes, .iov_len = n};
}

/* Seals the frames since the last one; what they were gathered from isn't needed any more. */
static void close_box(struct tcp *t)
{
	struct batch *b = &t->out;
	size_t size = seal_gather(&t->seal, t->box + t->closed, b->iov, b->iovs, t->plain);

	if (!size)
		link_lost(t->c.link, "what is sent can't be encrypted here");
	t->closed += size;
	t->boxes++;
	t->plain = 0;
	b->iovs = 0;
}

/*
 * Bytes of payload that a frame more may have; -1: not even a header fits. wanted: what it is to
 * have, at least; the open box is closed when that is too much for it.
 */
static long room(struct tcp *t, size_t wanted)
{
	const struct batch *b = &t->out;
	size_t used = t->sealed ? t->plain : b->bytes, most = t->sealed ? SEAL_PLAIN : BATCH;

	if (b->leaving || b->headers == HEADERS || b->iovs + 2 > VECTORS || t->boxes == BOXES)
		return -1;
	if (t->sealed && used + FRAME_HEADER + wanted > most) {
		close_box(t);
		used = 0;
		if (t->boxes == BOXES)
			return -1;
	}
	return used + FRAME_HEADER > most ? -1 : (long)(most - used - FRAME_HEADER);
}

/* payload stays unchanged until it has left. */
static void add_frame(struct tcp *t, const struct frame *f, const void *payload)
{
	struct batch *b = &t->out;
	uint8_t *header = b->header[b->headers++];

	frame_encode(header, f, b->sequence++);
	add_iov(b, header, FRAME_HEADER);
	if (f->size)
		add_iov(b, payload, f->size);
	t->plain += FRAME_HEADER + f->size;
	b->bytes += FRAME_HEADER + f->size;
}

static uint64_t tcp_push(struct carrier *c, struct carrier_stream *s, uint64_t from, uint64_t to)
{
	struct tcp *t = (struct tcp *)c;

	while (from < to) {
		long fits = room(t, 1);
		uint64_t n = to - from < FRAME_PAYLOAD ? to - from : FRAME_PAYLOAD;

		if (fits <= 0)
			break;
		if (n > (uint64_t)fits)
			n = (uint64_t)fits;
		add_frame(t,
			  &(struct frame){.type = FRAME_BYTES,
					  .size = (uint32_t)n,
					  .stream = s->number,
					  .position = from},
			  s->data + (from & (s->size - 1)));
		from += n;
	}
	return from;
}

static bool tcp_tell(struct carrier *c, enum frame_type what, uint32_t stream, uint64_t position)
{
	struct tcp *t = (struct tcp *)c;

	if (room(t, 0) < 0)
		return false;
	add_frame(t, &(struct frame){.type = what, .stream = stream, .position = position}, NULL);
	return true;
}

static bool tcp_message(struct carrier *c, const void *bytes, uint32_t size)
{
	struct tcp *t = (struct tcp *)c;

	if (t->out.has_message || room(t, size) < (long)size)
		return false;
	memcpy(t->out.message, bytes, size);
	t->out.has_message = true;
	add_frame(t, &(struct frame){.type = FRAME_MESSAGE, .size = size}, t->out.message);
	return true;
}

static int tcp_flush(struct carrier *c)
{
	struct tcp *t = (struct tcp *)c;
	struct batch *b = &t->out;
	size_t bytes = b->bytes;

	if (!bytes || b->leaving)
		return 0;
	if (t->sealed) {
		if (t->plain)
			close_box(t);
		bytes = t->closed;
		if (!bytes)
			return -ECONNRESET;
		add_iov(b, t->box, bytes);
	}
	b->leaving = true;
	link_sent(c->link, bytes, b->headers);
	if (wire_send(&t->wire, b->iov, b->iovs))
		begin_batch(t);
	return 0;
}

/* ---- in ---- */

/* The payload is there from `payload` on, `there` bytes of it: all, or the part that has come. */
static int take_bytes(struct tcp *t, const struct frame *f, const uint8_t *payload, size_t there)
{
	struct link *l = t->c.link;
	uint8_t *to = link_place(l, f->stream, f->position, f->size);

	if (!to)
		return -EPROTO;
	memcpy(to, payload, there);
	if (there == f->size)
		return link_head(l, f->stream, f->position + f->size);
	t->direct.to = to + there;
	t->direct.left = f->size - (uint32_t)there;
	t->direct.stream = f->stream;
	t->direct.head = f->position + f->size;
	return 0;
}

static int take_frame(struct tcp *t, const struct frame *f, const uint8_t *payload, size_t there)
{
	t->in_sequence++;
	t->frames++;
	switch (f->type) {
	case FRAME_BYTES:
		return take_bytes(t, f, payload, there);
	case FRAME_TAIL:
		return link_tail(t->c.link, f->stream, f->position);
	case FRAME_MESSAGE:
		return link_message(t->c.link, payload, f->size);
	default:
		return link_word(t->c.link, f->type, f->stream, f->position);
	}
}

/* Takes frames as far as they are there; whole ones, but for the bytes of a stream. */
static int take_frames(struct tcp *t, const uint8_t *from, size_t bytes, size_t *taken)
{
	const char *reason;
	struct frame f;
	int rc;

	*taken = 0;
	for (;;) {
		size_t left = bytes - *taken, there;

		rc = frame_decode(from + *taken, left, t->in_sequence, &f, &reason);
		if (rc < 0)
			return link_lost(t->c.link, "it sent garbage: %s", reason);
		if (rc == 0)
			return 0;
		there = left - FRAME_HEADER < f.size ? left - FRAME_HEADER : f.size;
		if (there < f.size && (t->sealed || f.type != FRAME_BYTES))
			return 0;
		rc = take_frame(t, &f, from + *taken + FRAME_HEADER, there);
		if (rc)
			return rc;
		*taken += FRAME_HEADER + there;
	}
}

static int take_boxes(struct tcp *t)
{
	while (t->in_end > t->in_at) {
		size_t plain = 0, taken;
		long n = seal_open(&t->unseal, t->in + t->in_at, t->in_end - t->in_at, &plain);
		int rc;

		if (n == 0)
			break;
		if (n < 0)
			return link_lost(t->c.link, "it sent garbage: %s",
					 n == -EPROTO ? "a box has an impossible size"
						      : "a box doesn't open (changed, replayed, "
							"reordered, or sealed with another key)");
		rc = take_frames(t, t->in + t->in_at + SEAL_SIZE, plain, &taken);
		if (rc)
			return rc;
		if (taken != plain)
			return link_lost(t->c.link, "it sent garbage: a frame ends beyond its box");
		t->in_at += (size_t)n;
	}
	return 0;
}

static int take(struct tcp *t, size_t came)
{
	size_t taken = 0;
	int rc = 0;

	if (t->direct.left) {
		size_t n = came < t->direct.left ? came : t->direct.left;

		t->direct.to += n;
		t->direct.left -= (uint32_t)n;
		came -= n;
		if (!t->direct.left)
			rc = link_head(t->c.link, t->direct.stream, t->direct.head);
	}
	t->in_end += came;
	if (rc || !came)
		return rc;
	if (t->sealed)
		rc = take_boxes(t);
	else
		rc = take_frames(t, t->in + t->in_at, t->in_end - t->in_at, &taken);
	t->in_at += taken;
	memmove(t->in, t->in + t->in_at, t->in_end - t->in_at);
	t->in_end -= t->in_at;
	t->in_at = 0;
	return rc;
}

static void receive(struct tcp *t)
{
	size_t room = BUFFER - t->in_end;
	unsigned n = 0;

	if (t->direct.left) {
		t->in_iov[n++] = (struct iovec){t->direct.to, t->direct.left};
		room = DIRECT_MORE;
	}
	t->in_iov[n++] = (struct iovec){t->in + t->in_end, room};
	wire_receive(&t->wire, t->in_iov, n);
}

static int tcp_poll(struct carrier *c)
{
	struct tcp *t = (struct tcp *)c;
	int what;

	if (!t->eof && t->wire.in.state == WIRE_IDLE)
		receive(t);
	what = wire_step(&t->wire);
	if (what < 0)
		return link_lost(c->link, "the connection broke: %s", strerror(-what));
	if (what & WIRE_SENT)
		begin_batch(t);
	if (!(what & WIRE_CAME))
		return what != 0;
	if (t->wire.came == 0) {
		t->eof = true;
		link_ended(c->link);
		return 1;
	}
	t->frames = 0;
	what = take(t, t->wire.came);
	link_received(c->link, t->wire.came, t->frames);
	if (what)
		return what;
	/* The next request goes with the answer to this, in one system call. */
	receive(t);
	return 1;
}

static int tcp_arm(struct carrier *c)
{
	struct tcp *t = (struct tcp *)c;
	int error = wire_arm(&t->wire);

	if (error)
		return link_lost(c->link, "the connection can't be watched: %s", strerror(-error));
	return 0;
}

static bool tcp_idle(const struct carrier *c)
{
	return !((const struct tcp *)c)->out.bytes;
}

static void tcp_describe(const struct carrier *c, char *text, size_t size)
{
	const struct tcp *t = (const struct tcp *)c;

	snprintf(text, size, "tcp over %s, %s", t->wire.poller->ring ? "io_uring" : "plain sockets",
		 !t->sealed                      ? "trusted"
		 : t->seal.cipher == SEAL_AES256 ? "AES-256-GCM"
						 : "ChaCha20-Poly1305");
}

static void tcp_close(struct carrier *c)
{
	struct tcp *t = (struct tcp *)c;

	wire_close(&t->wire);
	seal_end(&t->seal);
	seal_end(&t->unseal);
	free(t->box);
	free(t->in);
	free(t);
}

static int tcp_connect(struct carrier **to, struct link *link, struct poller *p,
		       const struct engine_link *l, char why[ENGINE_WHY])
{
	struct tcp *t = calloc(1, sizeof(*t));
	int error = -ENOMEM;

	if (t) {
		t->in = malloc(BUFFER);
		t->box = l->keys ? malloc(BOXES * SEAL_BOX) : NULL;
	}
	if (t && t->in && (t->box || !l->keys))
		error = wire_open(&t->wire, p, l->fd);
	if (error) {
		snprintf(why, ENGINE_WHY, "the connection can't be used: %s", strerror(-error));
		if (t) {
			free(t->in);
			free(t->box);
		}
		free(t);
		return error;
	}
	t->c = (struct carrier){.ops = &tcp_carrier, .link = link};
	t->sealed = l->keys;
	if (l->keys) {
		seal_begin(&t->seal, l->keys->cipher, l->keys->send);
		seal_begin(&t->unseal, l->keys->cipher, l->keys->receive);
		seal_hasten(&t->seal, true);
		seal_hasten(&t->unseal, false);
	}
	*to = &t->c;
	return 0;
}

const struct carrier_ops tcp_carrier = {
	.name = "tcp",
	.connect = tcp_connect,
	.push = tcp_push,
	.tell = tcp_tell,
	.message = tcp_message,
	.flush = tcp_flush,
	.poll = tcp_poll,
	.arm = tcp_arm,
	.idle = tcp_idle,
	.describe = tcp_describe,
	.close = tcp_close,
};
