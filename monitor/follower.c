/* SPDX-License-Identifier: MIT */
/*
 * The follower's half of a call: the leader's record is awaited, compared, and
 * its result taken.
 *
 * Threads take turns in the order of the stream. Whoever holds process->order
 * looks at the next record; if it belongs to another thread, it waits for
 * process->turn, which changes with every record released. The lock is held
 * from the moment a thread has found its record until it releases it.
 */
#include "call.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>

#include "process.h"
#include "signals.h"

static void lock(struct process *p)
{
	if (!p->alone)
		lock_acquire(&p->order);
}

static void unlock(struct process *p)
{
	if (!p->alone)
		lock_release(&p->order);
}

void follower_release(struct thread *t, uint32_t bytes)
{
	struct process *p = t->process;

	p->state->records++;
	p->state->bytes += bytes;
	ring_release(&p->rx, bytes);
	if (p->alone)
		return;
	atomic_fetch_add_explicit(&p->turn, 1, memory_order_release);
	lock_release(&p->order);
	if (atomic_load_explicit(&p->turn_waiters, memory_order_seq_cst))
		sys(SYS_futex, &p->turn, FUTEX_WAKE_PRIVATE, INT32_MAX);
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

	error = ring_peek(&p->rx, bytes, &bytes_at, wait ? RING_FOREVER : 0,
			  p->session->policy < POLICY_SOCKET_RO);
	if (likely(error == 0))
		return bytes_at;
	if (error == -ECANCELED && atomic_load(&p->control->ended) && !process_halted(p)) {
		/* Something may have come between the last look and the end. */
		error = ring_peek(&p->rx, bytes, &bytes_at, 0, false);
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
	const struct record *r = peek(t, sizeof(*r), wait);

	if (!r)
		return NULL;
	*header = *r;
	if (unlikely(record_check(header, p->chunk) < 0))
		stop_garbage(t, "a record's header is malformed");
	return peek(t, header->size, true);
}

static void keep_part(struct thread *t, const struct record *header, const struct record *r)
{
	size_t n = (size_t)header->result;

	if (n > header->size - sizeof(*r))
		stop_garbage(t, "a part is larger than its record");
	if (memory_grow((void **)&t->parts, &t->parts_capacity, t->parts_size + n))
		stop_internal("no memory for a large call", -ENOMEM);
	memcpy(t->parts + t->parts_size, r + 1, n);
	t->parts_size += n;
}

const struct record *follower_next(struct thread *t, struct record *header)
{
	struct process *p = t->process;
	const struct record *r;
	uint32_t turn;

	for (;;) {
		lock(p);
		r = next(t, header, true);
		if (p->alone || likely(header->thread == t->tag)) {
			if (likely(header->kind != RECORD_PART))
				return r;
			keep_part(t, header, r);
			follower_release(t, header->size);
			continue;
		}
		turn = atomic_load_explicit(&p->turn, memory_order_relaxed);
		atomic_fetch_add_explicit(&p->turn_waiters, 1, memory_order_seq_cst);
		unlock(p);
		if (process_halted(p))
			park();
		sys(SYS_futex, &p->turn, FUTEX_WAIT_PRIVATE, turn, 0);
		atomic_fetch_sub_explicit(&p->turn_waiters, 1, memory_order_relaxed);
	}
}

bool follower_take_signal(struct thread *t, siginfo_t *info, uint8_t *flags)
{
	struct process *p = t->process;
	struct record header;
	const struct record *r;

	lock(p);
	r = next(t, &header, false);
	if (!r || header.thread != t->tag || header.kind != RECORD_SIGNAL) {
		unlock(p);
		return false;
	}
	if (header.size < sizeof(header) + sizeof(*info))
		stop_garbage(t, "a signal's record is too short");
	memcpy(info, r + 1, sizeof(*info));
	*flags = header.flags;
	follower_release(t, header.size);
	return true;
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
	follower_release(t, header->size);
}

static const char *other_kind(const struct record *header)
{
	switch (header->kind) {
	case RECORD_FAULT:
		return "the leader crashed where this variant makes a call";
	case RECORD_EXIT:
		return "the leader ended where this variant makes a call";
	case RECORD_SYNC:
		return "the leader acquired a lock where this variant makes a call";
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

	error = call_pack_own(c);
	c->bad_address = error == -EFAULT;
	c->record = follower_next(t, h);
	if (unlikely(h->kind == RECORD_SIGNAL))
		signals_before(c);
	if (unlikely(h->kind != RECORD_CALL && h->kind != RECORD_ENTER))
		diverge(t, h->kind == RECORD_FAULT  ? DIVERGENCE_CRASH
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

void follower_leave(struct call *c)
{
	struct thread *t = c->thread;
	struct record *h = &c->header;
	size_t skip, in_parts;
	int error;

	if (c->lockstep) {
		finish_parts(t);
		follower_release(t, h->size);
		c->process->state->lockstep++;
		c->record = follower_next(t, h);
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

void follower_finish(struct call *c)
{
	struct process *p = c->process;

	if (unlikely(c->thread->parts_size))
		finish_parts(c->thread);
	p->state->calls_world += c->row->class == CALL_WORLD;
	p->state->calls_both += c->row->class == CALL_BOTH;
	follower_release(c->thread, c->header.size);
}
