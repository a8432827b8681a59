/* SPDX-License-Identifier: MIT */
/*
 * What the engine does in a turn, and how it rests between turns.
 *
 * A turn takes what has come, then hands over all that there is for each link, and lets each
 * carrier send it as one batch. While a batch is under way the next gathers, so batches grow as
 * load rises; there is no timer.
 *
 * Rest, as the ring's own waits (ring.h): it spins as long as that has paid lately, while somebody
 * waits for an answer; then sleeps until a variant rings, the peer sends, the supervisor calls, or
 * a nap is over. A spinner yields at each look, for the variant that it has woken may want this
 * very core; when somebody has kept the core and brought nothing, it sleeps. On the leader's host
 * records that nobody waits for ring only when a batch has gathered; when the leader waits, it
 * rings itself (ring_kick). On the follower's a tail rings that the leader waits for, or an eighth
 * of the ring. What nobody waits for gathers for a nap at most, which is as long as has paid
 * lately: a wake-up for little is dear where the leader has the same core. (A leader publishes
 * without a fence and may miss an engine that falls asleep: so it naps.)
 */
#include <sched.h>

#include "../monitor/session.h"
#include "link.h"

enum {
	SPIN_MOST = 100000, /* ns: more than to wake two engines and two variants takes */
	SPIN_LEAST = 1500,
	CROWDED = 10000, /* ns: somebody else had the core for so long */
	HURRY = 150000,  /* ns: how long after an answer the next question is expected */
	ACK_AGE = 10000000,
	NAP_CALM = RING_NAP_CALM, /* a busy engine is never further behind */
	NAP_LONG = 50000000,      /* waking up costs more here than in a variant */
	HEARTBEATS = 4,           /* in a deadline */
};

/* ---- leader's host: streams ---- */

/* The leader's word, which may be anything. */
static void look(struct engine *e, struct stream *s)
{
	if (!s->ready)
		streams_open(e, s);
	if (s->ready)
		s->head = atomic_load_explicit(&s->producer->head, memory_order_acquire);
}

static bool push(struct engine *e, struct link *l, struct stream *s)
{
	struct half *h = &s->of[l->place];
	uint64_t wanted, before = h->pushed;
	bool told = false;

	if (s->head < h->pushed || s->head - h->rx.tail > h->c.size) {
		link_lost(l, "stream %u of the leader here holds what can't be", s->number);
		return false;
	}
	if (h->pushed != s->head)
		h->pushed = l->carrier->ops->push(l->carrier, &h->c, h->pushed, s->head);
	l->busy |= h->pushed != s->head;
	wanted = atomic_load_explicit(&s->producer->wanted, memory_order_acquire);
	if (wanted > h->wanted && wanted <= h->pushed) {
		told = wanted <= h->rx.tail ||
		       l->carrier->ops->tell(l->carrier, FRAME_WANT, s->number, wanted);
		if (told)
			h->wanted = wanted;
		l->busy |= !told;
	}
	if (h->wanted > h->rx.tail)
		e->spin.hurried = e->now;
	return told || h->pushed != before;
}

static bool tell_streams(struct link *l, uint32_t number)
{
	if (number <= l->streams)
		return false;
	if (!l->carrier->ops->tell(l->carrier, FRAME_STREAMS, number, 0)) {
		l->busy = true;
		return false;
	}
	l->streams = number;
	return true;
}

/*
 * Heads first, then the number of streams: a stream is told before the record that names it.
 */
static bool push_all(struct engine *e)
{
	bool busy = false;
	uint64_t behind;
	uint32_t number;

	for (size_t i = 0; i < e->streams; i++)
		look(e, e->stream[i]);
	number = atomic_load(&e->log->next_stream);
	if (number >= SESSION_STREAMS)
		number = SESSION_STREAMS - 1;
	if (number >= e->numbers) {
		int error = streams_reach(e, number);

		if (error)
			e->failed = error;
		busy = true;
	}
	for (unsigned p = 0; p < e->places; p++) {
		struct link *l = e->link[p];

		if (!l || l->lost || l->said_bye)
			continue;
		busy |= tell_streams(l, number);
		behind = 0;
		for (size_t i = 0; i < e->streams && l->streams == number; i++) {
			struct stream *s = e->stream[(l->first + i) % e->streams];
			struct half *h = &s->of[p];

			if (!h->open)
				continue;
			busy |= push(e, l, s);
			behind += s->head - h->rx.tail;
		}
		/* Where a carrier can't take all, the first ones mustn't always be the same. */
		l->first += l->busy;
		atomic_store_explicit(&l->behind, behind, memory_order_relaxed);
	}
	return busy;
}

/* ---- follower's host: tails ---- */

static uint64_t tail_of(const struct half *h)
{
	return atomic_load_explicit(&h->c.consumer->tail, memory_order_seq_cst);
}

static bool due(const struct engine *e, const struct half *h, uint64_t tail)
{
	return tail > h->acked &&
	       ((h->want > h->acked && tail >= h->want) || tail - h->acked >= h->c.size / 8 ||
		e->now - h->acked_at >= ACK_AGE);
}

/* all: also those that have time. */
static bool tell_tails(struct engine *e, struct link *l, bool all)
{
	bool busy = false;

	for (size_t i = 0; i < e->streams; i++) {
		struct half *h = &e->stream[i]->of[l->place];
		uint64_t tail;

		if (!h->open)
			continue;
		tail = tail_of(h);
		if (tail < h->acked || tail > h->tx.head) {
			link_lost(l, "stream %u of the follower here holds what can't be",
				  e->stream[i]->number);
			return false;
		}
		if (h->want > h->acked)
			e->spin.hurried = e->now;
		if (!due(e, h, tail) && !(all && tail > h->acked))
			continue;
		if (!l->carrier->ops->tell(l->carrier, FRAME_TAIL, e->stream[i]->number, tail)) {
			l->busy = true;
			continue;
		}
		h->acked = tail;
		h->acked_at = e->now;
		busy = true;
	}
	return busy;
}

static bool tell_halt(struct link *l)
{
	if (l->halted || !atomic_load(&l->header->halt))
		return false;
	l->halted = l->carrier->ops->tell(l->carrier, FRAME_HALT, 0, 0);
	l->busy |= !l->halted;
	return l->halted;
}

/* ---- both ---- */

/* Messages that wait go behind what had been published when they were looked at. */
static void set_barrier(struct engine *e, struct link *l)
{
	pthread_mutex_lock(&e->lock);
	l->barrier = l->out.count;
	pthread_mutex_unlock(&e->lock);
	for (size_t i = 0; i < e->streams; i++) {
		look(e, e->stream[i]);
		e->stream[i]->of[l->place].barrier = e->stream[i]->head;
	}
}

static bool barrier_passed(struct engine *e, struct link *l)
{
	if (l->streams < (e->o.leader ? atomic_load(&e->log->next_stream) : 0))
		return false;
	for (size_t i = 0; i < e->streams; i++) {
		const struct half *h = &e->stream[i]->of[l->place];

		if (h->open && (e->o.leader ? h->pushed < h->barrier : tail_of(h) < h->acked))
			return false;
	}
	return true;
}

/*
 * Before push_all(), since what it sees then is what a message must be behind. True: the first
 * message may go now, if the carrier will have it.
 */
static bool ready_to_speak(struct engine *e, struct link *l)
{
	if (!e->o.leader) {
		tell_tails(e, l, true);
		return !l->busy;
	}
	if (!l->barrier) {
		set_barrier(e, l);
		push_all(e);
	}
	return barrier_passed(e, l);
}

static struct parcel *first_message(struct link *l)
{
	struct parcel *p;

	/* Whoever puts one there wakes the engine behind that. */
	if (!atomic_load_explicit(&l->out.count, memory_order_relaxed))
		return NULL;
	pthread_mutex_lock(&l->engine->lock);
	p = l->out.first;
	pthread_mutex_unlock(&l->engine->lock);
	return p;
}

static bool send_messages(struct engine *e, struct link *l)
{
	bool busy = false;
	struct parcel *p;

	while ((p = first_message(l)) && ready_to_speak(e, l)) {
		if (!l->carrier->ops->message(l->carrier, p->event.data, p->event.bytes)) {
			l->busy = true;
			break;
		}
		if (l->barrier)
			l->barrier--;
		busy = true;
		pthread_mutex_lock(&e->lock);
		parcels_take(&l->out);
		pthread_mutex_unlock(&e->lock);
		parcel_free(p);
	}
	return busy;
}

static bool send_words(struct engine *e, struct link *l)
{
	const struct carrier_ops *ops = l->carrier->ops;
	bool busy = false;

	if (l->owes && ops->tell(l->carrier, FRAME_PONG, 0, l->pong)) {
		l->owes = false;
		busy = true;
	}
	if (!l->asked && e->now - l->told > e->o.deadline_ns / HEARTBEATS &&
	    ops->tell(l->carrier, FRAME_PING, 0, (uint64_t)e->now)) {
		l->asked = true;
		l->pinged = e->now;
		busy = true;
	}
	/* The peer's goodbye is answered at once, ours waits until all is said. */
	if ((l->stopping || l->heard_bye) && !l->said_bye &&
	    (l->heard_bye || (!first_message(l) && ready_to_speak(e, l))) &&
	    ops->tell(l->carrier, FRAME_BYE, 0, 0)) {
		l->said_bye = true;
		busy = true;
	}
	return busy;
}

static bool receive(struct engine *e)
{
	bool busy = false;

	for (unsigned p = 0; p < e->places; p++) {
		struct link *l = e->link[p];

		if (!l || l->lost)
			continue;
		l->busy = false;
		busy |= l->carrier->ops->poll(l->carrier) > 0;
	}
	return busy;
}

static bool transmit(struct engine *e)
{
	bool busy = false;

	/* Streams may take all the room there is: messages whose place is reached go before them.
	 */
	for (unsigned p = 0; p < e->places; p++) {
		struct link *l = e->link[p];

		if (l && !l->lost && !l->said_bye && l->barrier)
			busy |= send_messages(e, l);
	}
	if (e->o.leader)
		busy |= push_all(e);
	for (unsigned p = 0; p < e->places; p++) {
		struct link *l = e->link[p];

		if (!l || l->lost)
			continue;
		if (!l->said_bye) {
			if (!e->o.leader)
				busy |= tell_tails(e, l, false) | tell_halt(l);
			busy |= send_messages(e, l);
			busy |= send_words(e, l);
		}
		l->carrier->ops->flush(l->carrier);
	}
	return busy;
}

static void check_links(struct engine *e)
{
	for (unsigned p = 0; p < e->places; p++) {
		struct link *l = e->link[p];

		if (!l)
			continue;
		if (!l->lost && e->now - l->heard > e->o.deadline_ns)
			link_lost(l, "nothing was heard from it for %.1f s",
				  (double)(e->now - l->heard) / 1e9);
		if (l->lost || (l->said_bye && l->heard_bye && l->carrier->ops->idle(l->carrier)))
			link_close(l);
	}
}

/* ---- rest ---- */

/* Asks each stream to ring. True: something has come meanwhile. */
static bool arm_stream(struct engine *e, struct link *l, struct stream *s)
{
	struct half *h = &s->of[l->place];
	uint64_t batch = e->o.wait == RING_WAIT_ADAPTIVE ? h->c.size / 4 : 1;
	uint64_t tail, wanted;

	if (!h->open || l->busy)
		return false;
	if (e->o.leader) {
		atomic_store_explicit(&h->c.consumer->wake_at, h->pushed + batch,
				      memory_order_seq_cst);
		if (atomic_load_explicit(&s->producer->head, memory_order_seq_cst) != h->pushed)
			return true;
		wanted = atomic_load_explicit(&s->producer->wanted, memory_order_acquire);
		return wanted > h->wanted && wanted <= h->pushed;
	}
	tail = h->want > h->acked ? h->want : h->acked + h->c.size / 8;
	atomic_store_explicit(&s->producer->wake_at, tail, memory_order_seq_cst);
	return due(e, h, tail_of(h));
}

static bool arm(struct engine *e)
{
	bool come = atomic_load(&e->calls) != 0;

	if (e->o.leader)
		come |= atomic_load(&e->log->next_stream) >= e->numbers;
	for (unsigned p = 0; p < e->places; p++) {
		struct link *l = e->link[p];

		if (!l)
			continue;
		for (size_t i = 0; i < e->streams; i++)
			come |= arm_stream(e, l, e->stream[i]);
		if (!e->o.leader)
			come |= !l->halted && !l->busy && atomic_load(&l->header->halt);
		come |= l->carrier->ops->arm(l->carrier) > 0;
	}
	return come;
}

static void disarm(struct engine *e)
{
	for (size_t i = 0; i < e->streams; i++) {
		struct stream *s = e->stream[i];

		if (!e->o.leader && s->ready)
			atomic_store_explicit(&s->producer->wake_at, RING_AWAKE,
					      memory_order_relaxed);
		for (unsigned p = 0; e->o.leader && p < e->places; p++) {
			if (s->of[p].open)
				atomic_store_explicit(&s->of[p].c.consumer->wake_at, RING_AWAKE,
						      memory_order_relaxed);
		}
	}
}

/* True: nobody else had much to do on this core. */
static bool give_way(void)
{
	int64_t before = tnd_monotonic();

	sched_yield();
	return tnd_monotonic() - before < CROWDED;
}

/* True: go on looking. */
static bool spin(struct engine *e)
{
	struct spin *s = &e->spin;
	int64_t limit;

	if (e->o.wait == RING_WAIT_BLOCK)
		return false;
	if (!s->since) {
		s->since = e->now;
		s->limit = spin_begin(&s->budget);
		s->crowded = false;
	}
	limit = e->now - s->hurried > HURRY ? SPIN_LEAST : s->limit;
	if (e->o.wait == RING_WAIT_SPIN)
		return true;
	if (!s->crowded && e->now - s->since < limit) {
		s->crowded = !give_way();
		return true;
	}
	spin_in_vain(&s->budget);
	s->since = 0;
	return false;
}

static void spun(struct engine *e)
{
	struct spin *s = &e->spin;
	int64_t took = e->now - s->since;

	if (s->since)
		spin_paid(&s->budget, took < SPIN_MOST ? (uint32_t)took : SPIN_MOST);
	s->since = 0;
}

/* Follower's host: nothing is left to tell, so whatever happens next wakes. */
static bool all_told(const struct engine *e)
{
	for (size_t i = 0; i < e->streams; i++) {
		for (unsigned p = 0; p < e->places; p++) {
			const struct half *h = &e->stream[i]->of[p];

			if (h->open && h->acked != h->tx.head)
				return false;
		}
	}
	return true;
}

/*
 * Short naps are for records that nobody waits for yet: the leader's while it isn't in lockstep.
 * Each costs a timer.
 */
static int64_t rest_of(const struct engine *e)
{
	bool records = e->o.leader && e->now - e->spin.hurried > HURRY;
	int64_t ns = records ? e->nap : NAP_LONG;

	if (!e->o.leader && all_told(e))
		ns = e->o.deadline_ns / (2 * HEARTBEATS);
	if (e->stopping && e->stop_at - e->now < ns)
		ns = e->stop_at - e->now;
	return ns < 1 ? 1 : ns;
}

static void sleep_a_while(struct engine *e)
{
	int64_t ns = rest_of(e);
	int error = 0;

	e->slept = e->now;
	if (!arm(e))
		error = poller_wait(&e->poller, ns);
	disarm(e);
	if (error)
		e->failed = error;
	e->rested = tnd_monotonic() - e->slept >= ns;
	e->nap = e->nap < NAP_LONG / 2 ? 2 * e->nap : NAP_LONG;
}

/* There was something to do: more may gather the next time, unless the leader came to wait. */
static void learn_nap(struct engine *e)
{
	if (e->spin.hurried >= e->slept)
		e->calm = e->calm > 2 * RING_NAP_SHORT ? e->calm / 2 : RING_NAP_SHORT;
	else if (e->rested)
		e->calm = e->calm < NAP_CALM / 2 ? 2 * e->calm : NAP_CALM;
	e->rested = false;
	e->nap = e->calm;
}

static bool any_link(const struct engine *e)
{
	for (unsigned p = 0; p < e->places; p++) {
		if (e->link[p])
			return true;
	}
	return false;
}

void turns_begin(struct engine *e)
{
	e->nap = e->calm = RING_NAP_SHORT;
	e->spin.budget =
		(struct spin_budget){.now = SPIN_MOST, .least = SPIN_LEAST, .most = SPIN_MOST};
}

bool turn(struct engine *e)
{
	bool busy;

	e->now = tnd_monotonic();
	busy = atomic_load_explicit(&e->calls, memory_order_acquire) && answer(e);
	if (poller_pending(&e->poller))
		e->failed = poller_wait(&e->poller, 0);
	busy |= receive(e);
	busy |= transmit(e);
	check_links(e);
	if (e->failed || (e->stopping && (!any_link(e) || e->now > e->stop_at)))
		return false;
	if (busy) {
		learn_nap(e);
		spun(e);
	} else if (!spin(e)) {
		sleep_a_while(e);
	}
	return !e->failed;
}
