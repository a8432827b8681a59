/* SPDX-License-Identifier: MIT */
/*
 * The follower's half of a call: the leader's record is awaited, compared, and
 * its result taken. Threads of a process take turns in the order of the stream: turns.h.
 */
#include "call.h"

#include <errno.h>

#include "causal.h"
#include "clocks.h"
#include "process.h"
#include "segment.h"
#include "signals.h"
#include "turns.h"

/* Whose the next record is, if there's one by now. The turn is ours. */
static uint32_t next_thread(struct process *p)
{
	const void *bytes;

	if (ring_peek(&p->rx, sizeof(struct record), &bytes, 0, RING_CALM) < 0)
		return TURN_UNKNOWN;
	return ((const struct record *)bytes)->thread;
}

static void leave_behind(struct process *p, uint32_t bytes)
{
	p->state->records++;
	p->state->bytes += bytes;
	ring_release(&p->rx, bytes);
}

void follower_release(struct thread *t, uint32_t bytes)
{
	struct process *p = t->process;

	leave_behind(p, bytes);
	turn_pass(p, turn_waited(p) ? next_thread(p) : TURN_UNKNOWN);
}

void follower_resume(struct thread *t, const struct record *header)
{
	segment_begin_follower(t, header->flags);
	follower_release(t, header->size);
}

/* The leader's process is gone and all it said was read: the twin ends too. */
static void ended(struct thread *t)
{
	struct process *p = t->process;
	uint32_t status = atomic_load(&p->control->ended);

	if (status)
		process_end_killed(t, (int)status - 1);
	park();
}

static const void *peek(struct thread *t, uint32_t bytes, bool wait)
{
	struct process *p = t->process;
	const void *bytes_at;
	int error;

	error = ring_peek(&p->rx, bytes, &bytes_at, wait ? RING_FOREVER : 0, p->hurry);
	if (likely(error == 0))
		return bytes_at;
	if (error == -ECANCELED && atomic_load(&p->control->ended) && !process_halted(p)) {
		/* Something may have come between the last look and the end. */
		error = ring_peek(&p->rx, bytes, &bytes_at, 0, RING_CALM);
		if (error == 0)
			return bytes_at;
	}
	if (error == -ETIMEDOUT && !wait)
		return NULL;
	if (error == -ECANCELED)
		ended(t);
	stop_garbage(t, "the leader's line of the ring says what can't be");
}

/* The next record, whose ever it is; NULL only without wait. */
static const struct record *next(struct thread *t, struct record *header, bool wait)
{
	struct process *p = t->process;

	for (;;) {
		const struct record *r = peek(t, sizeof(*r), wait);

		if (!wait && !r)
			return NULL;
		*header = *r;
		if (unlikely(record_check(header, p->chunk) < 0))
			stop_garbage(t, "a record's header is malformed");
		r = peek(t, header->size, true);
		if (likely(header->kind != RECORD_LEFT))
			return r;
		segment_left(p, (uint32_t)header->result, header->extra);
		leave_behind(p, header->size);
	}
}

/* Arguments and outputs of a call, each at most what the kernel moves at once (MAX_RW_COUNT). */
#define PARTS_MOST (2 * 0x7ffff000ull)

static void keep_part(struct thread *t, const struct record *header, const struct record *r)
{
	size_t n = (size_t)header->result;

	if (n > header->size - sizeof(*r))
		stop_garbage(t, "a part is larger than its record");
	if (t->parts_size + n > PARTS_MOST)
		stop_garbage(t, "the parts of a call are more than a call can move");
	if (memory_grow((void **)&t->parts, &t->parts_capacity, t->parts_size + n))
		stop_internal("no memory for a large call", -ENOMEM);
	memcpy(t->parts + t->parts_size, r + 1, n);
	t->parts_size += n;
}

#define NAP_FIRST 50000
#define NAPS 8 /* the longest in a time of silence is at most the 8th part of it */

/*
 * The next record of this thread, of whatever kind; NULL if none came in so many nanoseconds of
 * silence, 0: for ever. A process with one thread waits for ever.
 */
static const struct record *next_own(struct thread *t, struct record *header, int64_t silence)
{
	struct process *p = t->process;
	struct turn_wait w = {.longest = silence / NAPS, .nap = silence ? NAP_FIRST : 0};
	int64_t start = 0;

	if (p->alone)
		return next(t, header, true);
	for (;;) {
		if (turn_take(p, t->tag)) {
			const struct record *r = next(t, header, w.nap == 0 && !silence);

			if (r && likely(header->thread == t->tag)) {
				turn_found(p, t->tag, &w);
				return r;
			}
			turn_pass(p, r ? header->thread : TURN_UNKNOWN);
		}
		if (process_halted(p))
			park();
		if (unlikely(silence)) {
			int64_t now = tnd_monotonic();

			if (!start)
				start = now;
			if (now - start > silence) {
				turn_found(p, t->tag, &w);
				turn_leave(p);
				return NULL;
			}
		}
		turn_wait(p, t->tag, &w);
	}
}

/* What not every variant has to do, so a follower may come to something else. */
static bool optional(const struct record *header)
{
	return header->kind == RECORD_FUTEX || header->kind == RECORD_YIELD;
}

#define YIELD_LOOK_NS 200000

/*
 * As long as nobody knows whether the leader's has gone on, this one waits: its next record, or
 * that another waits for its segment, says that it has.
 */
void follower_yield(struct thread *t)
{
	struct process *p = t->process;
	struct record header;

	for (;;) {
		bool awaited = atomic_load(&p->awaited);

		if (atomic_load(&t->stands))
			break;
		if (awaited || atomic_load(&t->left))
			return;
		if (!next_own(t, &header, YIELD_LOOK_NS))
			continue;
		turn_pass(p, t->tag);
		if (header.kind != RECORD_YIELD)
			return;
		break;
	}
	segment_end(t);
	next_own(t, &header, 0);
	if (header.kind == RECORD_YIELD) {
		follower_resume(t, &header);
	} else {
		turn_pass(p, t->tag);
		segment_resume(t);
	}
}

/* The same; but what is optional, unless it is asked for, is what only the leader had to do. */
static const struct record *own_turn(struct thread *t, struct record *header)
{
	for (;;) {
		const struct record *r = next_own(t, header, 0);

		if (likely(!optional(header)))
			return r;
		follower_release(t, header->size);
	}
}

enum futex_word follower_futex(struct thread *t, bool wakes, int64_t silence, struct record *header,
			       struct record_futex *futex)
{
	struct process *p = t->process;

	segment_end(t);
	for (;;) {
		const struct record *r = next_own(t, header, silence);

		if (!r)
			return FUTEX_SILENCE;
		if (header->kind == RECORD_YIELD) {
			follower_release(t, header->size);
			continue;
		}
		if (header->kind != RECORD_FUTEX) {
			turn_pass(p, t->tag);
			return header->kind == RECORD_SIGNAL ? FUTEX_SIGNAL : FUTEX_OTHER;
		}
		if (header->size < sizeof(*header) + sizeof(*futex))
			stop_garbage(t, "a futex's record is too short");
		memcpy(futex, r + 1, sizeof(*futex));
		if ((futex->wakes != 0) == wakes)
			return FUTEX_SAID;
		if (!wakes) {
			turn_pass(p, t->tag);
			return FUTEX_OTHER;
		}
		follower_release(t, header->size);
	}
}

/* The leader has read a clock where this variant does something else. */
static void clocks_left(struct thread *t, const struct call *c)
{
	if (unlikely(t->clocks_taken != t->clocks))
		diverge(t, DIVERGENCE_CALL, c, NULL,
			"the leader looks at a clock where this variant does something else");
}

const struct record *follower_next(struct thread *t, struct record *header)
{
	clocks_left(t, NULL);
	segment_end(t);
	for (;;) {
		const struct record *r = own_turn(t, header);

		if (likely(header->kind != RECORD_PART && header->kind != RECORD_ORDER))
			return r;
		if (header->kind == RECORD_PART)
			keep_part(t, header, r);
		else
			causal_follow(t->process, header);
		follower_release(t, header->size);
	}
}

bool clocks_follow(struct thread *t)
{
	struct record header;
	const struct record *r;

	segment_end(t);
	r = own_turn(t, &header);
	if (header.kind != RECORD_CLOCKS) {
		turn_pass(t->process, t->tag);
		return false;
	}
	if (header.result < 1 || header.result > RECORD_CLOCKS_MOST ||
	    header.size != sizeof(header) + (uint64_t)header.result * sizeof(*t->clock))
		stop_garbage(t, "notes of clocks have an impossible size");
	memcpy(t->clock, r + 1, header.size - sizeof(header));
	t->clocks = (uint32_t)header.result;
	t->clocks_taken = 0;
	t->clocks_end = t->process->rx.tail + header.size;
	follower_resume(t, &header);
	return true;
}

/* The call behind us has acquired what other processes released (RECORD_ORDERED). */
static void follow_order(struct thread *t)
{
	struct record header;

	own_turn(t, &header);
	if (header.kind != RECORD_ORDER)
		stop_garbage(t, "the order behind a call is missing");
	causal_follow(t->process, &header);
	follower_release(t, header.size);
}

/*
 * Takes the next record of this thread if it is a signal; between: one that its twin got between
 * two calls, since those before a call that this thread hasn't come to yet wait for that, and only
 * if the turn needn't be waited for.
 */
static bool take_signal(struct thread *t, siginfo_t *info, struct record *header, bool between)
{
	struct process *p = t->process;
	const struct record *r;

	for (;;) {
		if (!between)
			turn_acquire(p);
		else if (!p->alone && !turn_take(p, t->tag))
			return false;
		r = next(t, header, false);
		if (!r || header->thread != t->tag ||
		    (header->kind != RECORD_ORDER && (between || header->kind != RECORD_YIELD)))
			break;
		if (header->kind == RECORD_ORDER)
			causal_follow(p, header);
		follower_release(t, header->size);
	}
	if (!r || header->thread != t->tag || header->kind != RECORD_SIGNAL ||
	    (between && !(header->flags & RECORD_BETWEEN))) {
		turn_pass(p, r ? header->thread : TURN_UNKNOWN);
		return false;
	}
	if (header->size < sizeof(*header) + sizeof(*info))
		stop_garbage(t, "a signal's record is too short");
	memcpy(info, r + 1, sizeof(*info));
	if (between)
		segment_end(t);
	follower_resume(t, header);
	return true;
}

bool follower_take_signal(struct thread *t, siginfo_t *info, uint8_t *flags)
{
	struct record header;

	/* It is this thread's turn, for something else than a signal. */
	if (t->held || !take_signal(t, info, &header, false))
		return false;
	*flags = header.flags;
	return true;
}

bool follower_look_signal(struct thread *t, siginfo_t *info)
{
	struct record header;

	/* The leader's thread has looked at clocks first. */
	return t->clocks_taken == t->clocks && take_signal(t, info, &header, true);
}

void follower_note(struct thread *t, enum record_kind kind, struct record *header, void *bytes,
		   size_t size, const char *what)
{
	const struct record *r = follower_next(t, header);

	if (header->kind != kind)
		diverge(t, DIVERGENCE_CALL, NULL, r, what);
	if (header->size - sizeof(*header) < size)
		stop_garbage(t, "a record is too short");
	memcpy(bytes, r + 1, size);
	follower_resume(t, header);
}

void follower_hold(struct thread *t, struct regs *regs)
{
	struct record header;
	const struct record *r = follower_next(t, &header);

	if (unlikely(header.kind == RECORD_SIGNAL)) {
		struct call c = {.thread = t, .process = t->process, .regs = regs};

		c.number = NUMBER_SYNC;
		signals_before(&c);
	}
	if (unlikely(header.kind != RECORD_SYNC))
		diverge(t, DIVERGENCE_CALL, NULL, r,
			"this variant acquires a lock or asks its allocator where the leader does "
			"something else");
	segment_begin_follower(t, header.flags);
	t->held = header.size;
	regs_set_result(regs, header.result);
}

void follower_held(struct thread *t, void *bytes, size_t size)
{
	const struct record *r = peek(t, t->held, true);

	if (t->held - sizeof(*r) < size)
		stop_garbage(t, "an answer's record is too short");
	memcpy(bytes, r + 1, size);
}

void follower_drop(struct thread *t)
{
	uint32_t bytes = t->held;

	t->held = 0;
	follower_release(t, bytes);
}

static const char *other_kind(const struct record *header)
{
	switch (header->kind) {
	case RECORD_FAULT:
		return "the leader crashed where this variant makes a call";
	case RECORD_EXIT:
		return "the leader ended where this variant makes a call";
	case RECORD_CLOCKS:
		return "the leader looked at a clock where this variant makes a call";
	case RECORD_SYNC:
		return "the leader acquired a lock, asked its allocator or failed to change its "
		       "memory where this variant makes a call";
	default:
		return "the leader did something else than a call";
	}
}

static void compare(struct call *c)
{
	struct thread *t = c->thread;
	struct record *h = &c->header;
	const uint8_t *leader = (const uint8_t *)(c->record + 1);
	size_t in_parts = (uint32_t)h->extra, bytes = h->args;
	const uint8_t *own = c->pack.buf;
	size_t own_bytes = c->pack.size;
	uint64_t hash[2];

	if (in_parts) {
		leader = t->parts;
		bytes = in_parts;
		if (in_parts > t->parts_size)
			stop_garbage(t, "parts of a call are missing");
	}
	if (h->flags & RECORD_HASHED) {
		call_hash(c->process->session, own, own_bytes, hash);
		own = (const uint8_t *)hash;
		own_bytes = sizeof(hash);
	}
	if (unlikely(bytes != own_bytes || memcmp(leader, own, bytes)))
		diverge(t, DIVERGENCE_ARGUMENTS, c, c->record,
			"the same call with other arguments");
}

void follower_enter(struct call *c)
{
	struct thread *t = c->thread;
	struct record *h = &c->header;
	int error;

	clocks_left(t, c);
	error = call_pack_own(c);
	c->bad_address = error == -EFAULT;
	c->record = follower_next(t, h);
	if (unlikely(h->kind == RECORD_SIGNAL))
		signals_before(c);
	if (unlikely(h->kind != RECORD_CALL && h->kind != RECORD_ENTER))
		diverge(t,
			h->kind == RECORD_FAULT  ? DIVERGENCE_CRASH
			: h->kind == RECORD_EXIT ? DIVERGENCE_EXIT
						 : DIVERGENCE_CALL,
			c, c->record, other_kind(h));
	if (unlikely(h->call != call_canonical(c)))
		diverge(t, DIVERGENCE_CALL, c, c->record, "another call");
	compare(c);
	if (unlikely(h->flags & RECORD_INJECTED))
		diverge(t, DIVERGENCE_INJECTED, c, c->record,
			"a fault was injected (inject_fault_probability)");
	c->lockstep = h->kind == RECORD_ENTER;
}

static void finish_parts(struct thread *t)
{
	t->parts_size = 0;
	if (t->parts_capacity > 1 << 20) {
		memory_unmap(t->parts, t->parts_capacity);
		t->parts = NULL;
		t->parts_capacity = 0;
	}
}

/* Acknowledges the arguments; the leader executes the call now, and may sleep in it. */
static void lockstep_result(struct call *c)
{
	struct process *p = c->process;
	bool away = p->hurry == RING_URGENT && p->alone && call_may_sleep(c);

	p->state->lockstep++;
	follower_release(c->thread, c->header.size);
	if (away)
		p->hurry = RING_AWAY;
	c->record = follower_next(c->thread, &c->header);
	if (away)
		p->hurry = RING_URGENT;
}

void follower_leave(struct call *c)
{
	struct thread *t = c->thread;
	struct record *h = &c->header;
	size_t skip, in_parts;
	int error;

	if (c->lockstep) {
		finish_parts(t);
		lockstep_result(c);
		if (h->kind != RECORD_LEAVE || h->call != call_canonical(c))
			stop_garbage(t, "the result of a lockstep call is missing");
	}
	c->result = h->result;
	c->signalled = h->flags & RECORD_SIGNALLED;
	c->restart = h->flags & RECORD_RESTART;
	if (unlikely(c->restart))
		return;
	skip = RECORD_PADDED(h->args);
	c->outputs = (const uint8_t *)(c->record + 1) + skip;
	c->outputs_bytes = h->size - sizeof(*h) - skip;
	in_parts = h->extra >> 32;
	if (unlikely(in_parts)) {
		size_t before = (uint32_t)h->extra;

		if (before + in_parts > t->parts_size)
			stop_garbage(t, "parts of a call's results are missing");
		c->outputs = t->parts + before;
		c->outputs_bytes = in_parts;
	}
	if (c->outputs_bytes < c->extra_bytes)
		stop_garbage(t, "a record is too short for its call");
	c->outputs_bytes -= c->extra_bytes;
	memcpy(c->extra, c->outputs + c->outputs_bytes, c->extra_bytes);
	if (c->outputs_bytes == 0)
		return;
	error = unpack_outputs(c->row, c->args, c->result, c->outputs, c->outputs_bytes);
	if (unlikely(error == -EFAULT))
		diverge(t, DIVERGENCE_RESULT, c, c->record,
			"the result can't be written to this variant's memory");
	if (unlikely(error < 0))
		stop_garbage(t, "a record's results don't fit its call");
}

void follower_finish_last(struct call *c)
{
	struct process *p = c->process;

	p->state->calls_both++;
	leave_behind(p, c->header.size);
}

void follower_finish(struct call *c)
{
	struct process *p = c->process;

	if (unlikely(c->thread->parts_size))
		finish_parts(c->thread);
	p->state->calls_world += c->row->class == CALL_WORLD;
	p->state->calls_both += c->row->class == CALL_BOTH;
	follower_resume(c->thread, &c->header);
	if (unlikely(c->header.flags & RECORD_ORDERED))
		follow_order(c->thread);
}
