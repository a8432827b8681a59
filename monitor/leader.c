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

#include "causal.h"
#include "fd.h"
#include "segment.h"
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

/* Policy levels of calls that act on the world, or may: what they did is told at once. */
#define EFFECTS                                                                                    \
	(1u << LEVEL_NONSOCKET_RW | 1u << LEVEL_SOCKET_RW | 1u << LEVEL_SOCKET_RW_OC |             \
	 1u << LEVEL_ALWAYS | 1u << LEVEL_FD_RW)

static bool has_effect(const struct call *c)
{
	return EFFECTS >> c->level & 1;
}

/* urgent: followers should know; else it may wait until a batch has gathered. */
static void publish(struct process *p, uint32_t bytes, bool urgent)
{
	p->state->records++;
	p->state->bytes += bytes;
	ring_commit(&p->tx, bytes);
	if (urgent || p->tx.head - p->tx.published > p->batch)
		ring_flush(&p->tx);
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

/* The thread's notes of clocks, or another's. The order lock is held. */
static void append_clocks(struct thread *t, struct thread *of)
{
	struct process *p = t->process;
	uint32_t bytes = of->clocks * (uint32_t)sizeof(*of->clock);
	struct record *r = (void *)reserve(t, p->chunk);

	header(r, RECORD_CLOCKS, 0, 0, of->tag, 0, of->clocks, 0, bytes);
	memcpy(r + 1, of->clock, bytes);
	publish(p, r->size, false);
	of->clocks = 0;
	atomic_fetch_sub(&p->clocked, 1);
}

static void append_own_clocks(struct thread *t)
{
	if (unlikely(t->clocks))
		append_clocks(t, t);
}

/* Appends a record that is a header alone. The order lock is held. */
static void append_header(struct thread *t, enum record_kind kind, unsigned flags, int64_t result,
			  uint64_t extra, bool urgent)
{
	struct process *p = t->process;
	struct record *r = (void *)reserve(t, p->chunk);

	header(r, kind, flags, 0, t->tag, 0, result, extra, 0);
	publish(p, r->size, urgent);
}

/* Which threads aren't waited for. The order lock is held. */
static void append_left(struct thread *t)
{
	struct process *p = t->process;

	lock_acquire(&p->thread_lock);
	for (struct thread *of = p->threads; of; of = of->next) {
		bool stands = segment_stands(of);

		if (segment_unsaid(of) || stands)
			append_header(t, RECORD_LEFT, 0, of->tag, stands, false);
	}
	lock_release(&p->thread_lock);
}

/*
 * A segment begins: first comes what those before it have read. Threads whose segments are over
 * note nothing until they hold the order lock, as we do now.
 */
static unsigned begin(struct thread *t)
{
	struct process *p = t->process;
	unsigned flags = segment_begin_leader(t);

	if (unlikely(atomic_load(&p->unsaid)))
		append_left(t);
	if (likely(atomic_load(&p->clocked) == (t->clocks != 0)))
		return flags;
	lock_acquire(&p->thread_lock);
	for (struct thread *of = p->threads; of; of = of->next) {
		if (of != t && atomic_load(&of->segment) == SEGMENT_OVER && of->clocks)
			append_clocks(t, of);
	}
	lock_release(&p->thread_lock);
	return flags;
}

/*
 * Before this thread may sleep: nothing that is complete stays unsaid meanwhile. The look without
 * the lock may miss what another thread appends right now, but then that one is awake.
 */
void leader_flush(struct thread *t)
{
	struct process *p = t->process;

	if (likely(!ring_pending(&p->tx) && !t->clocks))
		return;
	lock(p);
	append_own_clocks(t);
	ring_flush(&p->tx);
	unlock(p);
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
		publish(p, r->size, false);
		bytes += n;
		size -= n;
	}
}

/* Appends a record from memory of our own. The order lock is held. */
static void append(struct thread *t, enum record_kind kind, unsigned flags, unsigned call,
		   const uint8_t *args, size_t args_bytes, int64_t result, const uint8_t *outputs,
		   size_t outputs_bytes, bool urgent)
{
	struct process *p = t->process;
	uint64_t extra = 0;
	struct record *r;

	append_own_clocks(t);
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
	/* None at all may be a NULL, which memcpy() isn't to be given. */
	if (args_bytes)
		memcpy(r + 1, args, args_bytes);
	if (outputs_bytes)
		memcpy((uint8_t *)(r + 1) + RECORD_PADDED(args_bytes), outputs, outputs_bytes);
	publish(p, r->size, urgent);
}

/*
 * The order lock is held: the ring's producer side belongs to one thread at a time. Nobody has to
 * append meanwhile: all that the followers need to get to position is published by the wait.
 */
static void wait_checked(struct thread *t, uint64_t position)
{
	struct process *p = t->process;
	int64_t timeout = p->session->hang_ns ? (int64_t)p->session->hang_ns : RING_FOREVER;
	uint64_t start = cpu_cycles();

	p->state->lockstep++;
	atomic_fetch_add_explicit(&p->state->waiting, 1, memory_order_relaxed);
	waited(t, ring_wait_checked(&p->tx, position, timeout));
	atomic_fetch_sub_explicit(&p->state->waiting, 1, memory_order_relaxed);
	p->state->lockstep_cycles += cpu_cycles() - start;
}

/* A fault on purpose, as A8's inject_fault_probability; xorshift64*, a generator will do. */
static unsigned injected(struct process *p)
{
	static uint64_t state;

	if (likely(!p->inject))
		return 0;
	if (!state)
		__builtin_memcpy(&state, p->session->random, sizeof(state));
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 0x2545f4914f6cdd1dull) >> 32) < p->inject ? RECORD_INJECTED : 0;
}

static void pack(struct call *c)
{
	struct process *p = c->process;
	struct thread *t = c->thread;
	int error = -ENOSPC;

	if (likely(p->alone && p->compare == COMPARE_FULL)) {
		append_own_clocks(t);
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
	if (c->process->compare == COMPARE_FULL) {
		*bytes = c->pack.size;
		return c->pack.buf;
	}
	call_hash(c->process->session, c->pack.buf, c->pack.size, hash);
	*bytes = 16;
	*flags |= RECORD_HASHED;
	return (const uint8_t *)hash;
}

/* Before a call that other processes may notice. */
static void release(struct thread *t)
{
	struct process *p = t->process;
	struct release r;

	lock(p);
	append_own_clocks(t);
	do {
		r = causal_begin(p);
		append_header(t, RECORD_ORDER, RECORD_RELEASES, (int64_t)r.number, r.from, true);
	} while (!causal_end(p, r));
	unlock(p);
}

/* Behind what other processes may have done. The order lock is held. */
static void acquire(struct thread *t)
{
	struct process *p = t->process;

	p->seen = atomic_load(&variant.log->clock);
	append_own_clocks(t);
	append_header(t, RECORD_ORDER, 0, (int64_t)p->seen, 0, false);
}

void leader_acquire(struct thread *t)
{
	struct process *p = t->process;

	if (likely(!causal_news(p)))
		return;
	lock(p);
	acquire(t);
	unlock(p);
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
	segment_end(t);
	c->lockstep |= policy_lockstep(c);
	if (unlikely(p->shares) && causal_releases(c))
		release(t);
	pack(c);
	if (c->lockstep) {
		flags = injected(p);
		if (c->reserved) {
			struct record *r = (void *)c->reserved;

			header(r, RECORD_ENTER, flags, call_canonical(c), t->tag,
			       (uint32_t)c->pack.size, 0, 0, 0);
			publish(p, r->size, false);
			c->reserved = NULL;
		} else {
			args = arguments(c, hash, &bytes, &flags);
			lock(p);
			append(t, RECORD_ENTER, flags, call_canonical(c), args, bytes, 0, NULL, 0,
			       false);
		}
		/*
		 * The wait publishes, together with the word that somebody waits. Only a process
		 * that is alone reserves, and has nothing to lock.
		 */
		wait_checked(t, p->tx.head);
		if (c->hold)
			c->locked = !p->alone;
		else
			unlock(p);
	}
	if (!has_effect(c) && call_may_sleep(c) && !c->locked)
		leader_flush(t);
	if (c->hold && !p->alone && !c->locked) {
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
	bool news = causal_news(p);
	uint64_t hash[2];
	const uint8_t *args;
	uint8_t *out;
	size_t args_bytes, out_bytes = 0;

	if (unlikely(atomic_load_explicit(&t->pending, memory_order_relaxed))) {
		c->signalled = true;
		flags |= RECORD_SIGNALLED;
		if (c->result == -EINTR &&
		    (c->restart || ((c->row->flags & CALL_RESTARTS) && signals_restart(t)))) {
			c->restart = true;
			/* Not in lockstep nobody knows of it yet: the signal comes before. */
			if (!c->lockstep)
				goto done;
		}
	}
	if (c->restart)
		flags |= RECORD_RESTART;
	if (news)
		flags |= RECORD_ORDERED;
	if (likely(c->reserved)) {
		struct record *r = (void *)c->reserved;
		size_t at = sizeof(*r) + RECORD_PADDED(c->pack.size);
		long n = 0;

		if (!c->restart)
			n = pack_outputs(c->row, c->args, c->result, &c->pack, c->reserved + at,
					 c->room - at - CALL_EXTRA);
		if (likely(n != -ENOSPC)) {
			if (unlikely(n < 0))
				stop_internal("a call's results can't be packed", n);
			memcpy(c->reserved + at + n, c->extra, c->extra_bytes);
			header(r, RECORD_CALL, flags | injected(p), call, t->tag,
			       (uint32_t)c->pack.size, c->result, 0, (size_t)n + c->extra_bytes);
			publish(p, r->size, has_effect(c));
			if (unlikely(news))
				acquire(t);
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
	flags |= begin(t);
	if (c->lockstep) {
		append(t, RECORD_LEAVE, flags, call, NULL, 0, c->result, out, out_bytes, true);
	} else {
		flags |= injected(p);
		args = arguments(c, hash, &args_bytes, &flags);
		append(t, RECORD_CALL, flags, call, args, args_bytes, c->result, out, out_bytes,
		       has_effect(c));
	}
	if (unlikely(news))
		acquire(t);
	if (!c->locked)
		unlock(p);
done:
	/* Nobody else may append before: it may be looked for (supervisor/unsaid.h). */
	if (c->hold)
		atomic_store(&p->state->making, 0);
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

	segment_end(t);
	lock(p);
	flags |= (uint8_t)begin(t);
	append(t, kind, flags, 0, NULL, 0, result, bytes, size, kind != RECORD_SYNC);
	if (lockstep)
		wait_checked(t, p->tx.head);
	if (!t->ends)
		unlock(p);
}

/*
 * Until then the segment goes on: a follower's knows nothing of the signal before it has the
 * record, so what others say meanwhile must not count on its end.
 */
void leader_note_between(struct thread *t, const siginfo_t *info)
{
	unsigned flags;

	segment_leave_out(t);
	lock(t->process);
	segment_end(t);
	flags = begin(t) | RECORD_BETWEEN;
	append(t, RECORD_SIGNAL, flags, 0, NULL, 0, info->si_signo, (const uint8_t *)info,
	       sizeof(*info), true);
	unlock(t->process);
}

void leader_futex(struct call *c, bool wakes)
{
	struct thread *t = c->thread;
	struct record_futex futex = {.wakes = wakes};
	uint32_t word;
	unsigned flags;

	segment_end(t);
	lock(t->process);
	if (wakes)
		call_private(c);
	flags = begin(t);
	if (!wakes && user_read(&word, (void *)c->args[0], sizeof(word)) == 0)
		futex.changed = word != (uint32_t)c->args[2];
	append(t, RECORD_FUTEX, flags, 0, NULL, 0, c->result, (const uint8_t *)&futex,
	       sizeof(futex), false);
	unlock(t->process);
}

/* The new image reports the success of the exec that the old one has announced. */
void leader_exec_done(struct thread *t, uint32_t call, uint32_t tag)
{
	uint32_t own = t->tag;

	t->tag = tag;
	append(t, RECORD_LEAVE, 0, call, NULL, 0, 0, NULL, 0, true);
	t->tag = own;
}
