/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer: a ring whose peer is hijacked: its page and, to a consumer, the data hold any bytes,
 * and its position changes to any value between two calls. The input: struct head, then steps.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/ring_memory.h"

#define SIZE 4096u

struct head {
	uint64_t magic;
	uint64_t size;
	uint64_t position;
	uint64_t wake_at;
	uint64_t own; /* where this side's page stands, when it resumes */
	uint32_t version;
	uint8_t produce; /* be the producer */
	uint8_t resume;
};

struct step {
	uint64_t position; /* of the peer; added to its last */
	uint32_t bytes;
	uint32_t release;
};

static struct ring_memory memory;
static struct ring_view view;

static void check_error(int rc)
{
	if (rc != -EPROTO && rc != -ETIMEDOUT && rc != -EMSGSIZE && rc != -EAGAIN && rc != -EINVAL)
		abort();
}

/* All that is said to be readable is, and lies in the data. */
static void look_at(const uint8_t *p, uint32_t bytes)
{
	if (bytes > SIZE || p < view.data || p + bytes > view.data + 2ull * SIZE)
		abort();
	for (uint32_t i = 0; i < bytes; i++)
		(void)((const volatile uint8_t *)p)[i];
}

static void consume(const struct head *head, const uint8_t *data, size_t size)
{
	struct ring_consumer *own = view.consumer[0];
	struct ring_options options = {0};
	struct ring_rx rx;
	struct step step;
	int rc;

	atomic_store(&view.producer->magic, head->magic);
	view.producer->version = head->version;
	view.producer->size = head->size;
	atomic_store(&view.producer->head, head->position);
	atomic_store(&view.producer->wake_at, head->wake_at);
	atomic_store(&own->magic, head->resume & 1 ? RING_CONSUMER_MAGIC : 0);
	atomic_store(&own->tail, head->own);
	rc = ring_rx_init(&rx, view.producer, view.data, SIZE, own, &options);
	if (rc) {
		check_error(rc);
		return;
	}
	for (; size >= sizeof(step); data += sizeof(step), size -= sizeof(step)) {
		const void *p;

		memcpy(&step, data, sizeof(step));
		memcpy(view.data, data, size < SIZE ? size : SIZE);
		atomic_fetch_add(&view.producer->head, step.position);
		rc = ring_peek(&rx, step.bytes, &p, 0, step.release & 1);
		if (rc) {
			check_error(rc);
		} else {
			look_at(p, step.bytes);
			ring_release(&rx, step.release < step.bytes ? step.release : step.bytes);
		}
		if (rx.tail > rx.head || rx.head - rx.tail > SIZE ||
		    atomic_load(&own->tail) != rx.tail)
			abort();
	}
}

static void produce(const struct head *head, const uint8_t *data, size_t size)
{
	struct ring_consumer *peer = view.consumer[0];
	struct ring_options options = {.reserve_timeout_ns = 1};
	struct ring_tx tx;
	struct step step;
	int rc;

	atomic_store(&peer->magic, head->magic);
	peer->version = head->version;
	atomic_store(&peer->tail, head->position);
	atomic_store(&peer->wake_at, head->wake_at);
	atomic_store(&view.producer->magic, head->resume & 1 ? RING_MAGIC : 0);
	atomic_store(&view.producer->head, head->own);
	rc = ring_tx_init(&tx, view.producer, view.data, SIZE, view.consumer, 1, &options);
	if (rc) {
		check_error(rc);
		return;
	}
	for (; size >= sizeof(step); data += sizeof(step), size -= sizeof(step)) {
		void *p;

		memcpy(&step, data, sizeof(step));
		atomic_fetch_add(&peer->tail, step.position);
		rc = ring_wait_checked(&tx, step.release % 2 ? ring_head(&tx) : step.release, 0);
		if (rc)
			check_error(rc);
		rc = 0;
		p = ring_reserve(&tx, step.bytes, &rc);
		if (p) {
			look_at(p, step.bytes);
			memset(p, 0x5a, step.bytes);
			ring_publish(&tx, step.bytes);
		} else {
			check_error(rc);
		}
		if (ring_slowest(&tx) != 0 || tx.tail[0] > tx.head || tx.head - tx.tail[0] > SIZE)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct head head;

	if (!memory.size) {
		memory = ring_memory_create(SIZE, 1);
		view = ring_memory_view(&memory, RING_ALL);
	}
	if (size < sizeof(head))
		return 0;
	memcpy(&head, data, sizeof(head));
	/* A side's own position is its own: no ring gets as far as to wrap. */
	head.own &= UINT64_MAX >> 2;
	(head.produce & 1 ? produce : consume)(&head, data + sizeof(head), size - sizeof(head));
	return 0;
}
