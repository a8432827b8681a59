/* SPDX-License-Identifier: MIT */
/*
 * The leader's half of a call: records go into the stream.
 *
 * With one thread the arguments are packed right into reserved ring space and
 * executed from there: one copy in all. With threads nothing may be reserved
 * while a call sleeps, so they are packed into the thread's own buffer and
 * copied when the record is appended, under process->order.
 */
#include "call.h"

#include <errno.h>

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

/* A wait for the followers has ended without them. */
static void waited(struct thread *t, int error)
{
	if (error == 0)
		return;
	if (error == -ECANCELED)
		park();
	if (error == -ETIMEDOUT)
		diverge(t, DIVERGENCE_HANG, NULL, NULL,
			"a follower didn't reach this call within hang_timeout");
	stop_garbage(t, "a follower's line of the ring");
}

static uint8_t *reserve(struct thread *t, uint32_t bytes)
{
	int error = 0;
	uint8_t *p = ring_reserve(&t->process->tx, bytes, &error);

	if (unlikely(!p))
		waited(t, error);
	return p;
}

static void publish(struct process *p, uint32_t bytes)
{
	p->state->records++;
	p->state->bytes += bytes;
	ring_publish(&p->tx, bytes);
}

static void header(struct record *r, enum record_kind kind, unsigned flags, unsigned call,
		   uint32_t thread, uint32_t args, int64_t result, uint64_t extra, size_t outputs)
{
	r->size = (uint32_t)(sizeof(*r) + RECORD_PADDED(args) + RECORD_PADDED(outputs));
	r->kind = (uint8_t)kind;
	r->flags = (uint8_t)flags;
	r->call = (uint16_t)call;
	r->thread = thread;
	r->args = args;
	r->result = result;
	r->extra = extra;
}

/* Sends bytes ahead of their record, a chunk at a time. The order lock is held. */
static void parts(struct thread *t, unsigned flags, const uint8_t *bytes, size_t size)
{
	struct process *p = t->process;
	uint32_t most = p->chunk - sizeof(struct record);

	while (size) {
		uint32_t n = size < most ? (uint32_t)size : most;
		struct record *r = (void *)reserve(t, p->chunk);

		header(r, RECORD_PART, flags, 0, t->tag, 0, n, 0, n);
		memcpy(r + 1, bytes, n);
		publish(p, r->size);
		bytes += n;
		size -= n;
	}
}

/* Appends a record from memory of our own. The order lock is held. */
static void append(struct thread *t, enum record_kind kind, unsigned flags, unsigned call,
		   const uint8_t *args, size_t args_bytes, int64_t result, const uint8_t *outputs,
		   size_t outputs_bytes)
{
	struct process *p = t->process;
	uint64_t extra = 0;
	struct record *r;

	if (unlikely(sizeof(*r) + args_bytes + outputs_bytes + 16 > p->chunk)) {
		if (args_bytes > p->chunk / 4) {
			parts(t, RECORD_PART_ARGS, args, args_bytes);
			extra |= args_bytes;
			args_bytes = 0;
		}
		if (outputs_bytes > p->chunk / 4) {
			parts(t, 0, outputs, outputs_bytes);
			extra |= (uint64_t)outputs_bytes << 32;
			outputs_bytes = 0;
		}
	}
	r = (void *)reserve(t, p->chunk);
	header(r, kind, flags, call, t->tag, (uint32_t)args_bytes, result, extra, outputs_bytes);
	memcpy(r + 1, args, args_bytes);
	memcpy((uint8_t *)(r + 1) + RECORD_PADDED(args_bytes), outputs, outputs_bytes);
	publish(p, r->size);
}

/*
 * The order lock is held: the ring's producer side belongs to one thread at a time. Nobody has to
 * append meanwhile, all that the followers need to get to position is published already.
 */
static void wait_checked(struct thread *t, uint64_t position)
{
	struct process *p = t->process;
	int64_t timeout = p->session->hang_ns ? (int64_t)p->session->hang_ns : RING_FOREVER;

	p->state->lockstep++;
	atomic_fetch_add_explicit(&p->state->waiting, 1, memory_order_relaxed);
	waited(t, ring_wait_checked(&p->tx, position, timeout));
	atomic_fetch_sub_explicit(&p->state->waiting, 1, memory_order_relaxed);
}

/* Waits until the followers are at most lag_limit bytes behind. The order lock is held. */
static void bound_lag(struct thread *t)
{
	struct process *p = t->process;
	uint64_t limit = p->session->lag_limit;

	if (unlikely(limit) && p->tx.head > limit &&
	    p->tx.limit - p->tx.mask - 1 < p->tx.head - limit)
		wait_checked(t, p->tx.head - limit);
}

/* A fault on purpose, as A8's inject_fault_probability; xorshift64*, a generator will do. */
static unsigned injected(struct process *p)
{
	static uint64_t state;

	if (likely(!p->session->inject))
		return 0;
	if (!state)
		__builtin_memcpy(&state, p->session->random, sizeof(state));
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 0x2545f4914f6cdd1dull) >> 32) < p->session->inject
		       ? RECORD_INJECTED
		       : 0;
}

static void pack(struct call *c)
{
	struct process *p = c->process;
	struct thread *t = c->thread;
	int error = -ENOSPC;

	if (likely(p->alone && p->session->compare == COMPARE_FULL)) {
		c->reserved = reserve(t, p->chunk);
		c->room = p->chunk;
		c->pack.buf = c->reserved + sizeof(struct record);
		c->pack.capacity = p->chunk / 2;
		c->pack.scratch = t->scratch;
		c->pack.scratch_capacity = t->scratch_size;
		error = pack_args(c->row, c->args, &c->pack);
		if (unlikely(error == -ENOSPC))
			c->reserved = NULL;
	}
	if (error == -ENOSPC)
		error = call_pack_own(c);
	c->bad_address = error == -EFAULT;
}

/* The arguments as a record carries them. */
static const uint8_t *arguments(struct call *c, uint64_t hash[2], size_t *bytes, unsigned *flags)
{
	if (c->process->session->compare == COMPARE_FULL) {
		*bytes = c->pack.size;
		return c->pack.buf;
	}
	call_hash(c->process->session, c->pack.buf, c->pack.size, hash);
	*bytes = 16;
	*flags |= RECORD_HASHED;
	return (const uint8_t *)hash;
}

void leader_enter(struct call *c)
{
	struct process *p = c->process;
	struct thread *t = c->thread;
	uint64_t hash[2];
	const uint8_t *args;
	size_t bytes;
	unsigned flags;

	if (unlikely(atomic_load_explicit(&t->pending, memory_order_relaxed)))
		signals_before(c);
	c->lockstep |= policy_lockstep(c);
	pack(c);
	if (c->lockstep) {
		flags = injected(p);
		if (c->reserved) {
			struct record *r = (void *)c->reserved;

			header(r, RECORD_ENTER, flags, call_canonical(c), t->tag,
			       (uint32_t)c->pack.size, 0, 0, 0);
			publish(p, r->size);
			c->reserved = NULL;
		} else {
			args = arguments(c, hash, &bytes, &flags);
			lock(p);
			append(t, RECORD_ENTER, flags, call_canonical(c), args, bytes, 0, NULL, 0);
		}
		/* Only a process that is alone reserves, and has nothing to lock. */
		wait_checked(t, p->tx.head);
		unlock(p);
	}
	if (c->hold && !p->alone) {
		lock_acquire(&p->order);
		c->locked = true;
	}
}

/* The outputs behind the arguments, in t->buffer. */
static uint8_t *outputs(struct call *c, size_t *bytes)
{
	struct thread *t = c->thread;
	size_t at = RECORD_PADDED(c->reserved ? 0 : c->pack.size);
	size_t bound = pack_outputs_bound(c->row, c->args, c->result, &c->pack);
	bool own = c->pack.buf == t->buffer;
	long n;

	if (memory_grow((void **)&t->buffer, &t->buffer_size, at + bound + CALL_EXTRA))
		stop_internal("no memory for a call's results", -ENOMEM);
	if (own)
		c->pack.buf = t->buffer;
	n = pack_outputs(c->row, c->args, c->result, &c->pack, t->buffer + at, bound);
	if (n < 0)
		stop_internal("a call's results can't be packed", n);
	*bytes = (size_t)n;
	return t->buffer + at;
}

void leader_leave(struct call *c)
{
	struct process *p = c->process;
	struct thread *t = c->thread;
	unsigned call = call_canonical(c), flags = 0;
	uint64_t hash[2];
	const uint8_t *args;
	uint8_t *out;
	size_t args_bytes, out_bytes = 0;

	if (unlikely(atomic_load_explicit(&t->pending, memory_order_relaxed))) {
		c->signalled = true;
		flags |= RECORD_SIGNALLED;
		if (c->result == -EINTR && (c->row->flags & CALL_RESTARTS) && signals_restart(t)) {
			c->restart = true;
			flags |= RECORD_RESTART;
			/* Not in lockstep nobody knows of it yet: the signal comes before. */
			if (!c->lockstep)
				goto done;
		}
	}
	if (likely(c->reserved)) {
		struct record *r = (void *)c->reserved;
		size_t at = sizeof(*r) + RECORD_PADDED(c->pack.size);
		size_t bound = c->restart
				       ? 0
				       : pack_outputs_bound(c->row, c->args, c->result, &c->pack);
		long n = 0;

		if (likely(at + bound + CALL_EXTRA <= c->room)) {
			if (bound)
				n = pack_outputs(c->row, c->args, c->result, &c->pack,
						 c->reserved + at, bound);
			if (unlikely(n < 0))
				stop_internal("a call's results can't be packed", n);
			memcpy(c->reserved + at + n, c->extra, c->extra_bytes);
			header(r, RECORD_CALL, flags | injected(p), call, t->tag,
			       (uint32_t)c->pack.size, c->result, 0, (size_t)n + c->extra_bytes);
			publish(p, r->size);
			bound_lag(t);
			goto done;
		}
		/* The outputs are large: keep the arguments before the space is used for parts. */
		if (memory_grow((void **)&t->buffer, &t->buffer_size, c->pack.size))
			stop_internal("no memory for a call's arguments", -ENOMEM);
		memcpy(t->buffer, c->pack.buf, c->pack.size);
		c->pack.buf = t->buffer;
		c->reserved = NULL;
	}
	out = t->buffer;
	if (!c->restart) {
		out = outputs(c, &out_bytes);
		memcpy(out + out_bytes, c->extra, c->extra_bytes);
		out_bytes += c->extra_bytes;
	}
	if (!c->locked)
		lock(p);
	if (c->lockstep) {
		append(t, RECORD_LEAVE, flags, call, NULL, 0, c->result, out, out_bytes);
	} else {
		flags |= injected(p);
		args = arguments(c, hash, &args_bytes, &flags);
		append(t, RECORD_CALL, flags, call, args, args_bytes, c->result, out, out_bytes);
	}
	bound_lag(t);
	if (!c->locked)
		unlock(p);
done:
	if (c->locked) {
		lock_release(&p->order);
		c->locked = false;
	}
	p->state->calls_world += c->row->class == CALL_WORLD;
	p->state->calls_both += c->row->class == CALL_BOTH;
}

void leader_note(struct thread *t, enum record_kind kind, uint8_t flags, int64_t result,
		 const void *bytes, size_t size, bool lockstep)
{
	struct process *p = t->process;

	lock(p);
	append(t, kind, flags, 0, NULL, 0, result, bytes, size);
	if (lockstep)
		wait_checked(t, p->tx.head);
	unlock(p);
}

/* The new image reports the success of the exec that the old one has announced. */
void leader_exec_done(struct thread *t, uint32_t call)
{
	append(t, RECORD_LEAVE, 0, call, NULL, 0, 0, NULL, 0);
}
