/* SPDX-License-Identifier: MIT */
#include "hang.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "../monitor/syscalls/table.h"
#include "../transport/record.h"
#include "lead.h"
#include "stop.h"
#include "tree.h"

/* How often in hang_timeout other hosts are asked. */
#define ASKS 16

static const char *const kind_names[RECORD_KINDS] = {
	[RECORD_PAD] = "padding",
	[RECORD_CALL] = "the call",
	[RECORD_ENTER] = "the call",
	[RECORD_LEAVE] = "the result of",
	[RECORD_PART] = "a part of",
	[RECORD_SIGNAL] = "a signal",
	[RECORD_FAULT] = "a crash",
	[RECORD_SYNC] = "a lock or an answer of its allocator",
	[RECORD_EXIT] = "its end",
	[RECORD_ORDER] = "an order between processes",
	[RECORD_PASSED] = "a descriptor that was passed",
	[RECORD_CONTENT] = "a mapped file's content",
	[RECORD_FUTEX] = "a futex of its own",
	[RECORD_LEFT] = "a thread that isn't waited for",
	[RECORD_YIELD] = "a turn after a yield",
	[RECORD_START] = "its start",
	[RECORD_CLOCKS] = "looks at the clock",
};

/* What the leader wrote there. */
static void describe(const struct running *r, uint32_t stream, uint64_t position, char *to,
		     size_t size)
{
	const struct call_row *row;
	struct record h;

	if (session_read_ring(&r->files, stream, position, &h, sizeof(h)) ||
	    h.kind >= RECORD_KINDS) {
		snprintf(to, size, "unreadable");
		return;
	}
	row = call_row(h.call);
	switch (h.kind) {
	case RECORD_CALL:
	case RECORD_ENTER:
	case RECORD_LEAVE:
		snprintf(to, size, "%s %s (thread %u)", kind_names[h.kind],
			 row ? row->name : "of no known number", h.thread);
		break;
	default:
		snprintf(to, size, "%s (thread %u)", kind_names[h.kind], h.thread);
	}
}

static bool is_late(struct process_watch *w, uint64_t seen, bool waits, int64_t hang)
{
	int64_t now = tnd_monotonic();

	if (!waits || !w->since || seen != w->seen) {
		w->since = now;
		w->seen = seen;
		w->cpu = UINT64_MAX;
		return false;
	}
	return now - w->since > hang;
}

static int look_at_follower(struct running *r, struct stream *s, unsigned v)
{
	struct process_watch *w = &s->of[v], *leader = &s->of[r->files.session->leader];
	uint64_t tail = atomic_load(&s->pages.consumer[v]->tail);
	uint64_t head = atomic_load(&s->pages.producer->head);
	bool orphan = leader->life == LIFE_DEAD && w->life == LIFE_ALIVE;
	char next[96], who[48] = "its process, which never started,";

	if (w->life == LIFE_DEAD ||
	    !is_late(w, tail, head > tail || orphan, (int64_t)r->files.session->hang_ns))
		return STATUS_GO_ON;
	if (w->life == LIFE_ALIVE)
		snprintf(who, sizeof(who), "its process %d", w->pid);
	if (head > tail)
		describe(r, s->number, tail, next, sizeof(next));
	else
		snprintf(next, sizeof(next), "its end");
	return stop_found(r, v, s->number, DIVERGENCE_HANG,
			  "hang: %s has stood still at position %" PRIu64 " of stream %u "
			  "for longer than hang_timeout (%.1f s); what the leader did next is %s",
			  who, tail, s->number, r->config->hang_timeout, next);
}

/* Nanoseconds in which the thread ran or wanted to: others may have kept the CPUs from it. */
static bool runnable(int pid, uint64_t *ns)
{
	char path[64];
	uint64_t ran, waited;
	FILE *in;
	int n;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	in = fopen(path, "re");
	if (!in)
		return false;
	n = fscanf(in, "%" SCNu64 " %" SCNu64, &ran, &waited);
	fclose(in);
	*ns = ran + waited;
	return n == 2;
}

/* Does it compute, in one thread, and has it for at least half of the time? */
static bool computes(struct process_watch *w)
{
	uint64_t now, before = w->cpu;
	struct tree_process p;

	if (tree_look(w->pid, &p) || p.threads != 1)
		return false;
	if (!runnable(w->pid, &now)) /* a kernel without it */
		now = p.cpu * 1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK);
	if (before == UINT64_MAX) {
		w->cpu = now;
		w->since = tnd_monotonic();
		return false;
	}
	return now - before > (uint64_t)(tnd_monotonic() - w->since) / 2;
}

/*
 * Other hosts say which call their followers wait in when they are asked: for a later look. What
 * they answer wakes the loop that looks here, so one question must not follow upon another.
 */
static void ask_others(struct running *r)
{
	int64_t now = tnd_monotonic();

	if (!lead_replied(r) || now - r->hosts->asked < (int64_t)r->files.session->hang_ns / ASKS)
		return;
	r->hosts->asked = now;
	lead_ask(r);
}

static int look_at_leader(struct running *r, struct stream *s)
{
	struct process_watch *w = &s->of[r->files.session->leader];
	const struct process_state *own = s->pages.state[w->variant];
	uint64_t head = atomic_load(&s->pages.producer->head);
	unsigned waiting = w->variant;

	for (unsigned v = 0; v < r->files.session->variants; v++) {
		if (v != w->variant && s->of[v].life == LIFE_ALIVE &&
		    atomic_load(&s->pages.state[v]->in_call) &&
		    atomic_load(&s->pages.consumer[v]->tail) == head)
			waiting = v;
	}
	if (hosts_lead(r) && w->life == LIFE_ALIVE && !atomic_load(&own->in_call) &&
	    w->seen == head)
		ask_others(r);
	if (!is_late(w, head,
		     w->life == LIFE_ALIVE && waiting != w->variant && !atomic_load(&own->in_call),
		     (int64_t)r->files.session->hang_ns)) {
		return STATUS_GO_ON;
	}
	/* The first time counts from here, with a look at the clock of its processor time. */
	if (!computes(w)) {
		if (w->cpu == UINT64_MAX)
			w->since = tnd_monotonic();
		return STATUS_GO_ON;
	}
	return stop_found(
		r, w->variant, s->number, DIVERGENCE_HANG,
		"hang: the leader's process %d has computed for longer than hang_timeout "
		"(%.1f s) without a call at position %" PRIu64 " of stream %u, where "
		"variant %d has been waiting in the call %s",
		w->pid, r->config->hang_timeout, head, s->number, r->config->variants[waiting].id,
		(call_row(atomic_load(&s->pages.state[waiting]->in_call) - 1) ?: &call_table[0])
			->name);
}

int hang_look(struct running *r)
{
	int status = STATUS_GO_ON;

	/* The leader's host looks at all. */
	if (!r->files.session->hang_ns || hosts_follow(r))
		return STATUS_GO_ON;
	for (size_t i = 0; i < r->streams && status == STATUS_GO_ON; i++) {
		for (unsigned v = 0; v < r->files.session->variants; v++) {
			if (v == r->files.session->leader)
				status = look_at_leader(r, r->stream[i]);
			else
				status = look_at_follower(r, r->stream[i], v);
			if (status != STATUS_GO_ON)
				break;
		}
	}
	return status;
}
