/* SPDX-License-Identifier: MIT */
#ifndef TANDEM_RING_H
#define TANDEM_RING_H

/*
 * Ring: bytes from one producer to one to eight consumers, through shared memory.
 * Every consumer reads everything; the bytes are written once.
 *
 *   producer page   written by the producer, read-only everywhere else
 *   data            written by the producer, read-only everywhere else; a power of two in
 *                   size and mapped twice in a row, so no record ever wraps
 *   consumer page   one each, written by that consumer, read-only everywhere else
 *
 * Nobody writes to a peer's page, so a hijacked peer can say what it likes about itself and
 * nothing about others. What a peer says is checked: a position that goes backwards or beyond
 * what is possible ends the call with -EPROTO. The *data* stays writable to its producer even
 * after it was published, so copy before you check and use the copy.
 *
 * Positions count bytes from the start of the ring's life and never wrap (64 bits).
 * head: everything below is published. tail of a consumer: everything below was compared by it;
 * acknowledgement, lockstep reply and flow control are this one word.
 *
 * Sleep and wake. A side that wants to sleep stores in its own page from which position of its
 * peer on it wants to be woken (wake_at; RING_AWAKE = doesn't sleep), looks at the peer's position
 * once more and waits on the *peer's* doorbell, a futex word which the peer increments before it
 * wakes. (It must be the peer's: a wake that arrives between the last look and the wait is only
 * noticed when the waker changes the word that is waited on.) The peer stores its position and
 * then looks at wake_at. These four accesses are sequentially consistent, thus at least one of the
 * two sees the other (Dekker). The waker remembers the wake_at that it has served: position and
 * wake_at only grow, so one sleep costs it one system call however long the sleeper takes to
 * get a core. tests/model/ring.pml is this protocol, checked exhaustively.
 *
 * One exception, because it is the hottest path there is. A sequentially consistent store waits
 * until the record itself has reached the other core, 40 ns for a small one, two thirds of the
 * whole cost. So in adaptive mode ring_publish() only releases head, and may miss a consumer that
 * is falling asleep this instant. Nobody waits for such a record, and the consumer looks by itself
 * when its first nap is over (RING_NAP_CALM at most). Whoever does wait, or stops publishing and
 * cares, comes through ring_wait_checked(), a ring_reserve() that finds no room, or ring_kick(),
 * which do it by the book. ring_release() is always exact: its line is its own, the fence is cheap
 * there. (membarrier(2) on the sleeper's side instead: exact without a fence, but it interrupts the
 * producer's core for 14-26 us on a virtual machine without posted interrupts, at each sleep.)
 *
 * Far ends. When the peer is on another host, its place is taken by the transport engine, which
 * sleeps for all rings and connections in one wait: it says so in its page (far) and is woken by
 * tnd_bell() instead of a futex. Everything else is as with a peer that is near.
 *
 * Threads and signals: a ring_tx or ring_rx belongs to one thread at a time (the caller locks);
 * calls mustn't be interrupted by a signal handler that uses the same one. Nothing here allocates,
 * calls libc or makes a system call, except through the functions below. All waits come back
 * to look after EINTR.
 *
 * Errors: -EPROTO garbage from the peer; -ECANCELED a halt word is set; -ETIMEDOUT; -EINVAL wrong
 * arguments. Own indices on lines of their own and a cached copy of the peer's: rigtorp/SPSCQueue.
 */

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "spin.h"

#define RING_MAGIC 0x676e6952646e6154ull          /* "TandRing" */
#define RING_CONSUMER_MAGIC 0x736e6f43646e6154ull /* "TandCons" */
#define RING_VERSION 1u
#define RING_CONSUMERS 8u
#define RING_HALTS 10u
#define RING_SIZE_MIN 4096u
#define RING_SIZE_MAX (1ull << 32)
#define RING_AWAKE UINT64_MAX
#define RING_FOREVER (-1) /* as timeout_ns */

#define RING_PAGE 4096
#define RING_LINE 128 /* two cache lines: the prefetcher of x86-64 fetches them in pairs */

/*
 * Provided by the program that embeds the ring.
 * tnd_futex: the system call with FUTEX_WAIT or FUTEX_WAKE on shared memory (not _PRIVATE);
 *   negative errno. The word may lie in a read-only mapping.
 * tnd_bell: wakes the transport engine of this host, which sleeps on more than rings: see `far`.
 * tnd_monotonic: CLOCK_MONOTONIC in ns. Only read when a timeout runs, and at initialisation.
 */
long tnd_futex(const _Atomic uint32_t *word, int op, uint32_t value,
	       const struct timespec *relative_timeout);
void tnd_bell(void);
int64_t tnd_monotonic(void);

/* Memory comes zeroed; a zero magic means that the owner hasn't initialised its page yet. */
struct ring_producer {
	_Atomic uint64_t magic;
	uint32_t version;
	uint64_t size;
	_Atomic uint32_t far; /* set before magic */
	_Alignas(RING_LINE) _Atomic uint64_t head;
	/* The producer waits for tails to get here: a hint for an engine that carries them. */
	_Atomic uint64_t wanted;
	_Alignas(RING_LINE) _Atomic uint64_t wake_at;  /* wake me when your tail gets here */
	_Alignas(RING_LINE) _Atomic uint32_t doorbell; /* futex word: consumers sleep on it */
} __attribute__((aligned(RING_PAGE)));

struct ring_consumer {
	_Atomic uint64_t magic;
	uint32_t version;
	_Atomic uint32_t far; /* set before magic */
	_Alignas(RING_LINE) _Atomic uint64_t tail;
	_Alignas(RING_LINE) _Atomic uint64_t wake_at;  /* wake me when head gets here */
	_Alignas(RING_LINE) _Atomic uint32_t doorbell; /* futex word: the producer sleeps on it */
} __attribute__((aligned(RING_PAGE)));

_Static_assert(sizeof(struct ring_producer) == RING_PAGE, "one page");
_Static_assert(sizeof(struct ring_consumer) == RING_PAGE, "one page");

enum ring_wait {
	/*
	 * Spin briefly, then sleep. A consumer that isn't urgent asks to be woken only when a
	 * batch has gathered, and looks by itself after a nap: the producer pays one wake-up for
	 * each batch instead of each record. A nap is 0.2 to 4 ms, as has paid lately, and up to
	 * 20 ms while there is no traffic.
	 */
	RING_WAIT_ADAPTIVE,
	RING_WAIT_SPIN,  /* never sleep; needs a core of its own */
	RING_WAIT_BLOCK, /* sleep at once, be woken by each record */
};

/* How a consumer waits in adaptive mode. */
enum ring_hurry {
	RING_CALM,   /* somebody may wait for it later: be woken for a batch */
	RING_URGENT, /* lockstep, the producer is at work: spin longer, be woken by the first record
		      */
	RING_AWAY, /* lockstep, but the producer waits for the world: what pays is another question
		    */
};

/* All zero is a good default. */
struct ring_options {
	enum ring_wait wait;
	uint32_t spin_ns;        /* adaptive: longest spin of a consumer in no hurry; 0: 1500 */
	uint32_t spin_urgent_ns; /* adaptive: longest spin in lockstep; 0: 100000 */
	uint64_t batch;          /* adaptive: bytes worth a wake-up, up to size / 2; 0: size / 4 */
	/* Longest wait of ring_reserve while nothing moves at the consumer's; 0: for ever. */
	int64_t reserve_timeout_ns;
	/*
	 * When one of these words is nonzero, every wait ends with -ECANCELED. NULLs are
	 * skipped. Whoever sets one calls ring_interrupt() as well, or wakes the doorbells; a
	 * sleeper that wasn't woken notices within RING_NAP_LONG.
	 */
	const _Atomic uint32_t *halt[RING_HALTS];
	/*
	 * Producer: when one of these is nonzero, that consumer has left for good, as if it had
	 * been given to ring_tx_drop(). NULL: it never does. Set like a halt word.
	 */
	const _Atomic uint32_t *left[RING_CONSUMERS];
};

#define RING_NAP_SHORT 200000ll  /* ns */
#define RING_NAP_CALM 4000000ll  /* ns; a busy consumer in no hurry is never further behind */
#define RING_NAP_LONG 20000000ll /* ns; no sleep of any mode is longer in one piece */

/* Private from here on: how one side waits. */
struct ring_waiter {
	enum ring_wait mode;
	unsigned halts;
	const _Atomic uint32_t *halt[RING_HALTS];
	uint32_t spin;                        /* iterations: not urgent */
	struct spin_budget urgent, away, far; /* iterations */
	int64_t nap;                          /* ns: the first one of a sleep that isn't urgent */
};

struct ring_tx {
	uint64_t head; /* written; published or about to be */
	uint64_t published;
	uint64_t limit; /* least known tail + size: free up to here */
	uint64_t mask;
	uint8_t *data;
	struct ring_producer *page;
	bool exact; /* publish with a fence */
	unsigned count;
	unsigned name[RING_CONSUMERS]; /* place in the array given to ring_tx_init */
	const struct ring_consumer *consumer[RING_CONSUMERS];
	const _Atomic uint32_t *left[RING_CONSUMERS]; /* by name */
	uint64_t tail[RING_CONSUMERS];                /* last seen */
	uint64_t served[RING_CONSUMERS];              /* wake_at that was last served */
	int64_t reserve_timeout;
	struct ring_waiter waiter;
};

struct ring_rx {
	uint64_t tail;
	uint64_t head; /* last seen */
	uint64_t mask;
	const uint8_t *data;
	struct ring_consumer *page;
	const struct ring_producer *producer;
	uint64_t served; /* the producer's wake_at that was last served */
	uint64_t batch;
	struct ring_waiter waiter;
};

/*
 * Start a producer. size: a power of two, RING_SIZE_MIN..RING_SIZE_MAX; data: 2 * size bytes of
 * address space, the same memory twice. The pages and data stay the caller's and must outlive tx.
 * A consumer may initialise its page later: it starts at position 0, and until it moves the
 * producer can write one ring full. A page that already holds a ring is resumed where it stands
 * (the producer has become another image). Without consumers nothing ever waits. -EINVAL; -EPROTO
 * when a consumer's page holds something else.
 */
int ring_tx_init(struct ring_tx *tx, struct ring_producer *page, uint8_t *data, uint64_t size,
		 struct ring_consumer *const *consumers, unsigned count,
		 const struct ring_options *options);

/*
 * Start a consumer at position 0, or resume where its page stands. size is what the caller has
 * mapped. -EAGAIN: the producer isn't initialised yet; -EPROTO: wrong magic, version or size, or a
 * head that's impossible.
 */
int ring_rx_init(struct ring_rx *rx, const struct ring_producer *producer, const uint8_t *data,
		 uint64_t size, struct ring_consumer *page, const struct ring_options *options);

/* A consumer has left for good: no longer wait for it. By its place in ring_tx_init's array. */
void ring_tx_drop(struct ring_tx *tx, unsigned consumer);

/*
 * Lockstep: wait until every consumer's tail has reached position (<= ring_head), publishing what
 * was only committed and waking those that sleep. timeout_ns: RING_FOREVER, 0 to look only; else
 * the longest time in which a consumer that is waited for gets no further. On
 * error ring_slowest() says who.
 */
int ring_wait_checked(struct ring_tx *tx, uint64_t position, int64_t timeout_ns);

/* The consumer that is furthest behind, as a place in ring_tx_init's array; -ENOENT without any. */
int ring_slowest(const struct ring_tx *tx);

/* Publish what was committed, and wake every consumer that sleeps with something unread. */
void ring_kick(struct ring_tx *tx);

/*
 * For whoever sets a halt word: make all sleepers look. Needs these pages writable (the supervisor,
 * or an owner for its own: NULL and 0 leave the others out).
 */
void ring_interrupt(struct ring_producer *producer, struct ring_consumer *const *consumers,
		    unsigned count);

/* Slow halves of the inline functions below. */
int ring_wait_room(struct ring_tx *tx, uint32_t bytes);
int ring_wait_bytes(struct ring_rx *rx, uint32_t bytes, int64_t timeout_ns, enum ring_hurry hurry);
void ring_serve_consumers(struct ring_tx *tx);
void ring_serve_producer(struct ring_rx *rx);

/* Position of the next byte that will be reserved. */
static inline uint64_t ring_head(const struct ring_tx *tx)
{
	return tx->head;
}

/* Position of the next byte that will be read = bytes released. */
static inline uint64_t ring_tail(const struct ring_rx *rx)
{
	return rx->tail;
}

/*
 * Contiguous room for up to size bytes (keep to a small part of it: room for more than is free
 * means waiting), written by the caller and then published: all of it, or less, or nothing. Waits
 * while there's none. NULL: *err is -ECANCELED, -EPROTO, -ETIMEDOUT or, beyond size, -EMSGSIZE.
 */
static inline void *ring_reserve(struct ring_tx *tx, uint32_t bytes, int *err)
{
	if (__builtin_expect(bytes > tx->limit - tx->head, 0)) {
		int rc = ring_wait_room(tx, bytes);

		if (rc < 0) {
			*err = rc;
			return NULL;
		}
	}
	return tx->data + (tx->head & tx->mask);
}

/*
 * What was reserved is complete, but nobody needs to see it yet: it goes out with the next publish
 * or flush. The line of the head travels between two cores each time it is written and looked
 * at, so a record that nobody waits for is cheaper in company.
 */
static inline void ring_commit(struct ring_tx *tx, uint32_t bytes)
{
	tx->head += bytes;
}

static inline bool ring_pending(const struct ring_tx *tx)
{
	return tx->head != tx->published;
}

/* Hand what is complete to the consumers, and wake those whose wake_at is reached. */
static inline void ring_flush(struct ring_tx *tx)
{
	uint64_t head = tx->published = tx->head;

	if (tx->exact)
		atomic_store_explicit(&tx->page->head, head, memory_order_seq_cst);
	else
		atomic_store_explicit(&tx->page->head, head, memory_order_release);
	for (unsigned i = 0; i < tx->count; i++) {
		if (__builtin_expect(head >= atomic_load_explicit(&tx->consumer[i]->wake_at,
								  memory_order_seq_cst),
				     0)) {
			ring_serve_consumers(tx);
			break;
		}
	}
}

/* Hand what was reserved, and what was committed before, to the consumers. */
static inline void ring_publish(struct ring_tx *tx, uint32_t bytes)
{
	ring_commit(tx, bytes);
	ring_flush(tx);
}

/*
 * Wait until at least `bytes` (<= size, else -EMSGSIZE) can be read at *p, valid until released.
 * timeout_ns: RING_FOREVER, or 0 to look only.
 */
static inline int ring_peek(struct ring_rx *rx, uint32_t bytes, const void **p, int64_t timeout_ns,
			    enum ring_hurry hurry)
{
	if (__builtin_expect(rx->head - rx->tail < bytes, 0)) {
		int rc = ring_wait_bytes(rx, bytes, timeout_ns, hurry);

		if (rc < 0)
			return rc;
	}
	*p = rx->data + (rx->tail & rx->mask);
	return 0;
}

/* Say that the next `bytes` (that were peeked) are checked. */
static inline void ring_release(struct ring_rx *rx, uint32_t bytes)
{
	uint64_t tail = rx->tail += bytes;

	atomic_store_explicit(&rx->page->tail, tail, memory_order_seq_cst);
	if (__builtin_expect(
		    tail >= atomic_load_explicit(&rx->producer->wake_at, memory_order_seq_cst), 0))
		ring_serve_producer(rx);
}

#endif
