/* SPDX-License-Identifier: MIT */
#include "unsaid.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "../monitor/syscalls/table.h"
#include "../transport/record.h"
#include "../transport/ring.h"
#include "../transport/ring_data.h"

/* As long as followers may leave no room for one record. */
#define ROOM_NS 100000000

struct word {
	struct record header;
	struct record_child child;
};

/* Was it said? Clocks may be in front of it. What the leader has written isn't trusted. */
static bool said(const struct ring_tx *tx, uint64_t at)
{
	uint64_t head = ring_head(tx);

	if (at > head || head - at > tx->mask)
		return true;
	while (at < head) {
		struct record r;

		memcpy(&r, tx->data + (at & tx->mask), sizeof(r));
		if (r.kind == RECORD_LEAVE || r.size < sizeof(r) || r.size % 8)
			return true;
		at += r.size;
	}
	return false;
}

static void say(struct ring_tx *tx, const struct process_state *s, uint32_t child, int pid)
{
	struct word word = {.header = {.size = sizeof(word),
				       .kind = RECORD_LEAVE,
				       .call = CALL_clone,
				       .thread = s->making_thread,
				       .result = pid},
			    .child = {.id = child, .pidfd = -1}};
	int error;
	void *room = ring_reserve(tx, sizeof(word), &error);

	if (!room)
		return;
	memcpy(room, &word, sizeof(word));
	ring_publish(tx, sizeof(word));
	ring_kick(tx);
}

static void open_ring(const struct session_files *f, uint32_t stream, const struct stream_pages *p,
		      uint32_t child, int pid)
{
	const struct session *session = f->session;
	const struct process_state *s = p->state[session->leader];
	struct ring_options o = {.reserve_timeout_ns = ROOM_NS};
	struct ring_consumer *consumer[SESSION_VARIANTS];
	uint64_t at = log_stream_offset(session->ring_size, stream) + RING_PAGE;
	uint8_t *data = ring_data_map(f->log, at, session->ring_size, PROT_READ | PROT_WRITE);
	struct ring_tx tx;
	unsigned n = 0;

	if (!data)
		return;
	for (unsigned v = 0; v < session->variants; v++) {
		if (p->consumer[v] && !session->left[v])
			consumer[n++] = p->consumer[v];
	}
	if (ring_tx_init(&tx, p->producer, data, session->ring_size, consumer, n, &o) == 0 &&
	    !said(&tx, s->making_at))
		say(&tx, s, child, pid);
	ring_data_unmap(data, session->ring_size);
}

void unsaid_say(const struct session_files *f, uint32_t stream, const struct stream_pages *p)
{
	uint32_t leader = f->session->leader;
	struct process_state *s = p->state[leader];
	uint32_t child = atomic_load(&s->making);
	struct stream_pages none;
	int pid;

	if (!child || child >= SESSION_STREAMS)
		return;
	pid = session_pid(f, leader, child);
	if (pid > 0) {
		open_ring(f, stream, p, child, pid);
	} else if (pid == 0 && session_map_stream(f, child, &none) == 0) {
		atomic_store(&none.state[leader]->pid, PROCESS_NEVER);
		session_unmap_stream(f, &none);
	}
	atomic_store(&s->making, 0);
}
