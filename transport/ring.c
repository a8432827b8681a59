/* SPDX-License-Identifier: MIT */

/* The slow paths of the ring: setting up, waiting, waking. The protocol is in ring.h. */

#include <linux/futex.h>
#include <limits.h>

#include "cpu.h"
#include "ring.h"

enum {
	SPIN_NS = 1500,
	SPIN_URGENT_NS = 100000,
	PATIENCE = 16,     /* iterations: most between two looks of a spinner in no hurry */
	CALIBRATION = 200, /* iterations */
	SPIN_CLOCK = 1024, /* iterations between two looks at the clock */
};

/* What one side waits for: the peer's position, and how to be woken when it gets there. */
struct wait {
	const _Atomic uint64_t *position;
	uint64_t least, most; /* a position outside is garbage */
	uint64_t target;
	uint64_t seen;
	const _Atomic uint32_t *doorbell; /* the peer's */
	_Atomic uint64_t *wake_at;        /* ours */
	uint64_t threshold;               /* for wake_at */
	enum ring_hurry hurry;
	bool room;                    /* a producer's: not for an answer */
	const _Atomic uint32_t *left; /* NULL, or says that the peer won't come any more */
	bool far;                     /* the engine is in the peer's place */
	bool exact;                   /* the peer never misses a sleeper: no short nap needed */
	int64_t timeout;              /* ns, as given */
	unsigned naps;                /* slept so often */
	int64_t deadline;             /* 0 until the clock was read for the first time ... */
	uint64_t before;              /* ... when the position was this */
};

/* How many iterations of a spin fit into ns: the length of one differs tenfold between CPUs. */
static uint32_t iterations(int64_t ns, int64_t ns_of_calibration)
{
	int64_t n = ns * CALIBRATION / ns_of_calibration;

	return n < 1 ? 1 : n > INT_MAX ? INT_MAX : (uint32_t)n;
}

static int64_t calibrate(void)
{
	int64_t best = INT64_MAX;

	for (int round = 0; round < 3; round++) { /* the least: the others were interrupted */
		int64_t start = tnd_monotonic();

		for (int i = 0; i < CALIBRATION; i++)
			cpu_relax();
		int64_t took = tnd_monotonic() - start;
		if (took < best)
			best = took;
	}
	return best < 1 ? 1 : best;
}

static void waiter_init(struct ring_waiter *w, const struct ring_options *o)
{
	int64_t ns = calibrate();
	uint32_t urgent = o->spin_urgent_ns ? o->spin_urgent_ns : SPIN_URGENT_NS;

	w->mode = o->wait;
	w->halts = 0;
	for (unsigned i = 0; i < RING_HALTS; i++) {
		if (o->halt[i])
			w->halt[w->halts++] = o->halt[i];
	}
	w->nap = RING_NAP_SHORT;
	w->spin = iterations(o->spin_ns ? o->spin_ns : SPIN_NS, ns);
	w->urgent.now = w->urgent.most = iterations(urgent, ns);
	w->away = w->far = w->urgent;
	w->far.now = w->far.most = iterations(urgent / 4, ns);
	w->urgent.least = iterations(urgent / 4, ns);
	w->away.least = w->far.least = iterations(urgent / 64, ns);
}

/* 1: reached. 0: not yet. The load is half of Dekker's: see ring.h. */
static int look(struct wait *wait)
{
	uint64_t at = atomic_load_explicit(wait->position, memory_order_seq_cst);

	if (at < wait->least || at > wait->most)
		return -EPROTO;
	wait->least = wait->seen = at;
	return at >= wait->target;
}

static int check_halts(const struct ring_waiter *w)
{
	for (unsigned i = 0; i < w->halts; i++) {
		if (atomic_load_explicit(w->halt[i], memory_order_acquire))
			return -ECANCELED;
	}
	return 0;
}

/* The same, and 1 when there is nobody to wait for. */
static int check(const struct ring_waiter *w, const struct wait *wait)
{
	if (wait->left && atomic_load_explicit(wait->left, memory_order_acquire))
		return 1;
	return check_halts(w);
}

/*
 * Nanoseconds that are left, or -ETIMEDOUT. The clock starts with the first call: a wait that is
 * over after its spin never reads it. It starts again when the peer has got further.
 */
static int64_t time_left(struct wait *wait)
{
	int64_t now;

	if (wait->timeout < 0)
		return INT64_MAX;
	now = tnd_monotonic();
	if (!wait->deadline || wait->seen != wait->before) {
		wait->before = wait->seen;
		if (__builtin_add_overflow(now, wait->timeout, &wait->deadline))
			wait->deadline = INT64_MAX;
	}
	return wait->deadline > now ? wait->deadline - now : -ETIMEDOUT;
}

/*
 * Spin for up to *n iterations; *n becomes how many it took. 1: reached. 0: not. In a hurry, look
 * all the time. Otherwise ever more rarely: each look takes the line of the index from the peer,
 * who is about to write it again, and looking late finds several records at once.
 */
static int spin(const struct ring_waiter *w, struct wait *wait, uint32_t *n)
{
	uint32_t most = *n, step = 1;
	int rc = 0;

	for (*n = 0; *n < most && !rc; *n += step) {
		for (uint32_t i = 0; i < step; i++)
			cpu_relax();
		if (wait->hurry == RING_CALM && step < PATIENCE)
			step *= 2;
		rc = look(wait);
		if (!rc && *n % 16 < step)
			rc = check(w, wait);
	}
	return rc;
}

/*
 * Spin as long as it has paid lately (spin.h). In lockstep the reply normally comes within a
 * microsecond, but when the peer has no core (it shares ours, or its own with somebody else),
 * spinning only delays it.
 *
 * Both sides asleep for each record is a state that holds itself up: each spins while the other
 * is being woken. It takes a spin longer than a wake-up to leave it (15 us, and a few times that
 * on a virtual machine with neighbours), so where the peer is at work the budget stays near that.
 * A far peer's reply comes through the engine, which may need this core for it: so a spin is never
 * much longer than a round trip between engines that are awake.
 */
static int spin_before_sleep(struct ring_waiter *w, struct wait *wait)
{
	struct spin_budget *s = wait->far                  ? &w->far
				: wait->hurry == RING_AWAY ? &w->away
							   : &w->urgent;
	uint32_t n = w->spin;
	int rc;

	if (w->mode == RING_WAIT_BLOCK)
		return 0;
	if (wait->hurry == RING_CALM)
		return spin(w, wait, &n);
	n = spin_begin(s);
	rc = spin(w, wait, &n);
	if (rc > 0)
		spin_paid(s, n);
	else if (!rc)
		spin_in_vain(s);
	return rc;
}

/*
 * Sleep until the target is reached. wake_at stands for the whole wait, over all naps: a peer that
 * publishes without a fence can miss it at the beginning only, hence the short first nap.
 */
static int sleep_until(struct ring_waiter *w, struct wait *wait)
{
	int64_t ns = w->mode != RING_WAIT_ADAPTIVE || wait->exact ? RING_NAP_LONG
		     : wait->hurry == RING_CALM                   ? w->nap
								  : RING_NAP_SHORT;
	int rc;

	atomic_store_explicit(wait->wake_at, wait->threshold, memory_order_seq_cst);
	for (;;) {
		/* Before the look: whatever rings after it makes the futex refuse to wait. */
		uint32_t bell = atomic_load_explicit(wait->doorbell, memory_order_acquire);
		struct timespec ts;
		int64_t left;

		rc = look(wait);
		if (!rc)
			rc = check(w, wait);
		if (rc)
			break;
		left = time_left(wait);
		if (left < 0) {
			rc = (int)left;
			break;
		}
		ts = (struct timespec){.tv_nsec = ns < left ? ns : left};
		/* Woken, timed out, interrupted, already rung: all mean look again. */
		tnd_futex(wait->doorbell, FUTEX_WAIT, bell, &ts);
		wait->naps++;
		ns = ns < RING_NAP_LONG / 2 ? ns * 2 : RING_NAP_LONG;
	}
	atomic_store_explicit(wait->wake_at, RING_AWAKE, memory_order_release);
	return rc;
}

static int spin_until(struct ring_waiter *w, struct wait *wait)
{
	for (;;) {
		uint32_t n = SPIN_CLOCK;
		int rc = spin(w, wait, &n);
		int64_t left;

		if (rc)
			return rc;
		left = time_left(wait);
		if (left < 0)
			return (int)left;
	}
}

/* Wait until the peer's position has reached the target. */
static int wait_for(struct ring_waiter *w, struct wait *wait)
{
	int rc = look(wait);

	if (!rc)
		rc = check(w, wait);
	if (!rc && wait->timeout == 0)
		rc = -ETIMEDOUT;
	if (!rc && w->mode == RING_WAIT_SPIN)
		rc = spin_until(w, wait);
	if (!rc)
		rc = spin_before_sleep(w, wait);
	if (!rc)
		rc = sleep_until(w, wait);
	return rc < 0 ? rc : 0;
}

static void ring_bell(_Atomic uint32_t *doorbell)
{
	/* An addition because ring_interrupt() may ring somebody else's. */
	atomic_fetch_add_explicit(doorbell, 1, memory_order_seq_cst);
	tnd_futex(doorbell, FUTEX_WAKE, INT_MAX, NULL);
}

/* ---- producer ---- */

/* Room is counted from the consumer that is furthest behind. Without consumers there's always. */
static void set_limit(struct ring_tx *tx)
{
	uint64_t least = UINT64_MAX - (tx->mask + 1);

	for (unsigned i = 0; i < tx->count; i++) {
		if (tx->tail[i] < least)
			least = tx->tail[i];
	}
	tx->limit = least + tx->mask + 1;
}

int ring_tx_init(struct ring_tx *tx, struct ring_producer *page, uint8_t *data, uint64_t size,
		 struct ring_consumer *const *consumers, unsigned count,
		 const struct ring_options *options)
{
	bool resumed;

	if (size < RING_SIZE_MIN || size > RING_SIZE_MAX || (size & (size - 1)) ||
	    count > RING_CONSUMERS || options->batch > size / 2 || options->reserve_timeout_ns < 0)
		return -EINVAL;
	resumed = atomic_load_explicit(&page->magic, memory_order_relaxed) == RING_MAGIC;
	tx->head = resumed ? atomic_load_explicit(&page->head, memory_order_relaxed) : 0;
	tx->published = tx->head;
	tx->mask = size - 1;
	tx->data = data;
	tx->page = page;
	tx->exact = options->wait == RING_WAIT_BLOCK;
	tx->count = count;
	for (unsigned i = 0; i < count; i++) {
		uint64_t magic = atomic_load_explicit(&consumers[i]->magic, memory_order_acquire);

		if (magic && magic != RING_CONSUMER_MAGIC)
			return -EPROTO;
		tx->name[i] = i;
		tx->left[i] = options->left[i];
		tx->consumer[i] = consumers[i];
		tx->tail[i] = atomic_load_explicit(&consumers[i]->tail, memory_order_acquire);
		if (tx->tail[i] > tx->head || tx->head - tx->tail[i] > size)
			return -EPROTO;
		tx->served[i] = RING_AWAKE;
	}
	tx->reserve_timeout =
		options->reserve_timeout_ns ? options->reserve_timeout_ns : RING_FOREVER;
	waiter_init(&tx->waiter, options);
	set_limit(tx);
	atomic_store_explicit(&page->wake_at, RING_AWAKE, memory_order_relaxed);
	if (resumed)
		return 0;

	page->version = RING_VERSION;
	page->size = size;
	atomic_store_explicit(&page->head, 0, memory_order_relaxed);
	atomic_store_explicit(&page->magic, RING_MAGIC, memory_order_release);
	return 0;
}

void ring_tx_drop(struct ring_tx *tx, unsigned consumer)
{
	for (unsigned i = 0; i < tx->count; i++) {
		if (tx->name[i] != consumer)
			continue;
		tx->count--;
		tx->name[i] = tx->name[tx->count];
		tx->consumer[i] = tx->consumer[tx->count];
		tx->tail[i] = tx->tail[tx->count];
		tx->served[i] = tx->served[tx->count];
		set_limit(tx);
		return;
	}
}

/*
 * Wake the consumers that asked to be woken at or before our head, once for each sleep, and with
 * `all` those that sleep with something unread. The latter aren't noted as served: they may go to
 * sleep again with the same wake_at. All that are near hear one bell, all that are far another, so
 * each is rung once, last.
 */
static void serve(struct ring_tx *tx, bool all)
{
	bool near = false, far = false;

	for (unsigned i = 0; i < tx->count; i++) {
		const struct ring_consumer *c = tx->consumer[i];
		uint64_t at = atomic_load_explicit(&c->wake_at, memory_order_seq_cst);

		if (at == RING_AWAKE || at == tx->served[i])
			continue;
		if (at <= tx->head)
			tx->served[i] = at;
		else if (!all || atomic_load_explicit(&c->tail, memory_order_relaxed) >= tx->head)
			continue;
		if (atomic_load_explicit(&c->far, memory_order_relaxed))
			far = true;
		else
			near = true;
	}
	if (near)
		ring_bell(&tx->page->doorbell);
	if (far)
		tnd_bell();
}

void ring_serve_consumers(struct ring_tx *tx)
{
	serve(tx, false);
}

void ring_kick(struct ring_tx *tx)
{
	/* The same value once more, for its place in the order of things: before the looks. */
	tx->published = tx->head;
	atomic_store_explicit(&tx->page->head, tx->head, memory_order_seq_cst);
	serve(tx, true);
}

static bool has_left(const struct ring_tx *tx, unsigned i)
{
	const _Atomic uint32_t *left = tx->left[tx->name[i]];

	return left && atomic_load_explicit(left, memory_order_acquire);
}

/* Wait until consumer i has checked everything below target, or has left. */
static int wait_tail(struct ring_tx *tx, unsigned i, struct wait *wait)
{
	const struct ring_consumer *c = tx->consumer[i];
	int rc;

	wait->position = &c->tail;
	wait->least = tx->tail[i];
	wait->most = tx->head;
	wait->seen = tx->tail[i];
	wait->doorbell = &c->doorbell;
	wait->wake_at = &tx->page->wake_at;
	wait->exact = true;
	wait->far = atomic_load_explicit(&c->far, memory_order_relaxed);
	/* Much comes at once: room that an engine makes, which may need this core, has time. */
	wait->hurry = wait->far && wait->room ? RING_CALM : RING_URGENT;
	wait->left = tx->left[tx->name[i]];
	rc = wait_for(&tx->waiter, wait);
	tx->tail[i] = wait->seen;
	return rc;
}

static int wait_tails(struct ring_tx *tx, uint64_t target, uint64_t threshold, int64_t timeout,
		      bool room)
{
	struct wait wait = {
		.target = target, .threshold = threshold, .timeout = timeout, .room = room};
	int rc = 0;

	/* On the line of head, and before it: who sees that one sees this. */
	atomic_store_explicit(&tx->page->wanted, threshold, memory_order_relaxed);
	ring_kick(tx);
	for (unsigned i = 0; i < tx->count && !rc;) {
		rc = wait_tail(tx, i, &wait);
		/* Another takes the place of one that has left. */
		if (!rc && has_left(tx, i))
			ring_tx_drop(tx, tx->name[i]);
		else
			i++;
	}
	set_limit(tx);
	return rc;
}

int ring_wait_checked(struct ring_tx *tx, uint64_t position, int64_t timeout_ns)
{
	if (tx->limit - (tx->mask + 1) >= position)
		return 0;
	if (position > tx->head)
		return -EINVAL;
	return wait_tails(tx, position, position, timeout_ns, false);
}

int ring_wait_room(struct ring_tx *tx, uint32_t bytes)
{
	uint64_t size = tx->mask + 1;
	uint64_t target, threshold;

	if (bytes > size)
		return -EMSGSIZE;
	target = tx->head + bytes - size;
	/* When asleep, stay so until an eighth of the ring is free: fewer, longer turns. */
	threshold = target + size / 8;
	if (threshold > tx->head)
		threshold = tx->head;
	return wait_tails(tx, target, threshold, tx->reserve_timeout, true);
}

int ring_slowest(const struct ring_tx *tx)
{
	uint64_t least = UINT64_MAX;
	int slowest = -ENOENT;

	for (unsigned i = 0; i < tx->count; i++) {
		uint64_t tail = atomic_load_explicit(&tx->consumer[i]->tail, memory_order_acquire);

		if (tail < tx->tail[i] || tail > tx->head) /* garbage: that's the one */
			return (int)tx->name[i];
		if (tail < least) {
			least = tail;
			slowest = (int)tx->name[i];
		}
	}
	return slowest;
}

/* ---- consumer ---- */

int ring_rx_init(struct ring_rx *rx, const struct ring_producer *producer, const uint8_t *data,
		 uint64_t size, struct ring_consumer *page, const struct ring_options *options)
{
	uint64_t magic = atomic_load_explicit(&producer->magic, memory_order_acquire);
	bool resumed;

	if (size < RING_SIZE_MIN || size > RING_SIZE_MAX || (size & (size - 1)) ||
	    options->batch > size / 2)
		return -EINVAL;
	if (!magic)
		return -EAGAIN;
	if (magic != RING_MAGIC || producer->version != RING_VERSION || producer->size != size)
		return -EPROTO;
	resumed = atomic_load_explicit(&page->magic, memory_order_relaxed) == RING_CONSUMER_MAGIC;
	rx->tail = resumed ? atomic_load_explicit(&page->tail, memory_order_relaxed) : 0;
	rx->head = atomic_load_explicit(&producer->head, memory_order_acquire);
	if (rx->head < rx->tail || rx->head - rx->tail > size) /* it had to wait for us */
		return -EPROTO;
	rx->mask = size - 1;
	rx->data = data;
	rx->page = page;
	rx->producer = producer;
	rx->served = RING_AWAKE;
	rx->batch = options->batch ? options->batch : size / 4;
	waiter_init(&rx->waiter, options);

	atomic_store_explicit(&page->wake_at, RING_AWAKE, memory_order_relaxed);
	if (resumed)
		return 0;
	page->version = RING_VERSION;
	atomic_store_explicit(&page->tail, 0, memory_order_relaxed);
	atomic_store_explicit(&page->magic, RING_CONSUMER_MAGIC, memory_order_release);
	return 0;
}

/*
 * A calm sleep is over. Waking is dear where the consumer shares its core (two switches, cold
 * caches), so it lets more gather the next time: unless the producer has come to wait for it
 * meanwhile, which costs that one the time to catch up.
 */
static void learn_nap(struct ring_rx *rx, const struct wait *wait)
{
	int64_t *nap = &rx->waiter.nap;

	if (atomic_load_explicit(&rx->producer->wanted, memory_order_relaxed) > rx->tail)
		*nap = *nap > 2 * RING_NAP_SHORT ? *nap / 2 : RING_NAP_SHORT;
	else if (wait->naps == 1)
		*nap = *nap < RING_NAP_CALM / 2 ? *nap * 2 : RING_NAP_CALM;
}

int ring_wait_bytes(struct ring_rx *rx, uint32_t bytes, int64_t timeout_ns, enum ring_hurry hurry)
{
	struct wait wait = {
		.position = &rx->producer->head,
		.least = rx->head,
		.most = rx->tail + rx->mask + 1,
		.target = rx->tail + bytes,
		.seen = rx->head,
		.doorbell = &rx->producer->doorbell,
		.wake_at = &rx->page->wake_at,
		.threshold = rx->tail + bytes,
		.hurry = hurry,
		.timeout = timeout_ns,
		.far = atomic_load_explicit(&rx->producer->far, memory_order_relaxed),
	};
	int rc;

	/* An engine publishes with a fence, and rings for the first record. */
	wait.exact = wait.far && hurry != RING_CALM;
	if (bytes > rx->mask + 1)
		return -EMSGSIZE;
	if (rx->waiter.mode == RING_WAIT_ADAPTIVE && hurry == RING_CALM && rx->batch > bytes)
		wait.threshold = rx->tail + rx->batch;
	rc = wait_for(&rx->waiter, &wait);
	if (wait.naps && hurry == RING_CALM)
		learn_nap(rx, &wait);
	rx->head = wait.seen;
	return rc;
}

/* The producer asked to be woken at or before our tail: do so, once for each sleep. */
void ring_serve_producer(struct ring_rx *rx)
{
	uint64_t at = atomic_load_explicit(&rx->producer->wake_at, memory_order_seq_cst);

	if (at > rx->tail || at == rx->served)
		return;
	rx->served = at;
	if (atomic_load_explicit(&rx->producer->far, memory_order_relaxed))
		tnd_bell();
	else
		ring_bell(&rx->page->doorbell);
}

/* ---- both ---- */

void ring_interrupt(struct ring_producer *producer, struct ring_consumer *const *consumers,
		    unsigned count)
{
	if (producer)
		ring_bell(&producer->doorbell);
	for (unsigned i = 0; i < count; i++)
		ring_bell(&consumers[i]->doorbell);
}
