/* SPDX-License-Identifier: MIT */
/*
 * One stream over RDMA, to be compared with perftest's ib_write_lat and ib_write_bw on the same
 * device (rdma.sh). At each end one thread is the variant and the engine in turns, as perftest is
 * one thread at each end: what is added to it is all that the engine does, but no switch between
 * cores.
 *
 *   bench_rdma lead|follow SIZE RECORDS    ADDRESS: the leader's; both the same
 *
 * latency, adaptive: RECORDS records of SIZE bytes, one after the other; the leader waits in
 * lockstep for each to be checked, and the answer is a word of 24 bytes. One way is half of that
 * time; us. At first both engines only spin, as ib_write_lat does, then they rest as they
 * usually do. bandwidth: 16 MiB of records as fast as they go, engines rest as usual; records that
 * wait go as one write. MiB/s, of 2^20 bytes, as perftest says it too (and calls it MB).
 * The leader prints "SIZE latency(least median) adaptive(least median) bandwidth".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/engine_host.h"
#include "transport/link.h"

#define PORT 7002
#define RING (1u << 20)
#define FLOW (16u << 20) /* bytes */
#define WARM_UP 16u /* records that aren't counted: the connection comes up, memory is touched */
#define DEADLINE 20000000000ll

/* Only its files are of use: the engine is this thread's. */
static const struct way files = {.name = "rdma", .carrier = "shm"};
static const struct ring_options options = {.wait = RING_WAIT_SPIN};
static struct host host;
static struct engine engine;

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "bench_rdma: %s: %s\n", what, why);
	exit(1);
}

static void must(bool good, const char *what)
{
	if (!good)
		fail(what, strerror(errno));
}

static int dial(bool lead)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int listener, fd, one = 1;

	must(inet_pton(AF_INET, getenv("ADDRESS"), &a.sin_addr) == 1, "ADDRESS");
	if (lead) {
		listener = socket(AF_INET, SOCK_STREAM, 0);
		setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		must(!bind(listener, (void *)&a, sizeof(a)) && !listen(listener, 1), "listen");
		fd = accept(listener, NULL, NULL);
		must(fd >= 0, "accept");
		close(listener);
		return fd;
	}
	/* The leader may have yet to begin. */
	for (;;) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (!connect(fd, (void *)&a, sizeof(a)))
			return fd;
		close(fd);
		usleep(20000);
	}
}

static void begin(bool lead)
{
	char why[ENGINE_WHY];

	host_begin(&host, lead, &files, RING, 1, 0);
	engine.o = (struct engine_options){.leader = lead,
					   .log = host.log,
					   .bell = host.bell,
					   .ring_size = RING,
					   .wait = RING_WAIT_SPIN,
					   .deadline_ns = DEADLINE};
	engine.now = tnd_monotonic();
	engine.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&engine.lock, NULL);
	parcels_begin(&engine.events);
	must(!poller_open(&engine.poller, true, false) && !streams_begin(&engine), "engine");
	if (link_add(&engine,
		     &(struct engine_link){.ack = host.ack[0], .fd = dial(lead), .carrier = "rdma"},
		     why))
		fail("link", why);
	turns_begin(&engine);
}

/* One turn. False: the link has ended. */
static bool step(void)
{
	struct engine_event e;

	if (!turn(&engine))
		fail("engine", strerror(-engine.failed));
	if (engine.link[0])
		return true;
	engine_next(&engine, &e);
	if (e.kind != ENGINE_LEFT)
		fail("link", e.why);
	return false;
}

static void end(void)
{
	engine.link[0]->stopping = true;
	while (step())
		;
}

/* ---- the leader's end ---- */

static void put(struct ring_tx *tx, uint32_t size)
{
	int error = 0;
	uint8_t *p = ring_reserve(tx, size, &error);

	if (error)
		fail("ring_reserve", strerror(-error));
	p[0] = 1;
	ring_commit(tx, size);
}

static int64_t ping(struct ring_tx *tx, uint32_t size)
{
	const struct ring_consumer *answer = tx->consumer[0];
	int64_t begun = tnd_monotonic();

	put(tx, size);
	/* Says that it waits. */
	ring_wait_checked(tx, tx->head, 0);
	while (atomic_load_explicit(&answer->tail, memory_order_acquire) < tx->head)
		must(step(), "the follower has left");
	return tnd_monotonic() - begun;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void latency(struct ring_tx *tx, uint32_t size, uint32_t records)
{
	int64_t *took = calloc(records, sizeof(*took)), median;

	must(took != NULL, "memory");
	for (uint32_t i = 0; i < WARM_UP; i++)
		ping(tx, size);
	for (uint32_t i = 0; i < records; i++)
		took[i] = ping(tx, size);
	qsort(took, records, sizeof(*took), by_value);
	median = took[records / 2];
	printf(" %.2f %.2f", (double)took[0] / 2e3, (double)median / 2e3);
	free(took);
}

static void flow(struct ring_tx *tx, uint32_t size)
{
	const struct ring_consumer *answer = tx->consumer[0];
	uint64_t from = tx->head, to = from + FLOW, tail = from;
	int64_t begun = tnd_monotonic();

	while (tail < to) {
		while (tx->head < to && tx->head + size - tail <= RING)
			put(tx, size);
		if (tx->head < to) {
			ring_kick(tx);
			/* As a producer that finds no room. */
			ring_wait_checked(tx, tail + RING / 8, 0);
		} else {
			ring_wait_checked(tx, to, 0);
		}
		must(step(), "the follower has left");
		tail = atomic_load_explicit(&answer->tail, memory_order_acquire);
	}
	printf(" %.2f\n", (double)FLOW / 1048576 * 1e9 / (double)(tnd_monotonic() - begun));
}

static void lead(uint32_t size, uint32_t records)
{
	struct ring_tx tx;

	host_tx(&host, 0, &tx, &options);
	printf("%u", size);
	latency(&tx, size, records);
	engine.o.wait = RING_WAIT_ADAPTIVE;
	latency(&tx, size, records);
	flow(&tx, size);
	end();
}

/* ---- the follower's ---- */

static void follow(uint32_t size, uint32_t records)
{
	uint64_t spins = (uint64_t)size * (WARM_UP + records);
	struct ring_rx rx;
	const void *p;

	while (!engine.streams || !engine.stream[0]->of[0].open)
		must(step(), "the leader has left");
	host_rx(&host, 0, &rx, &options);
	while (step()) {
		while (atomic_load_explicit(&rx.producer->head, memory_order_acquire) - rx.tail >=
			       size &&
		       !ring_peek(&rx, size, &p, 0, RING_URGENT))
			ring_release(&rx, size);
		engine.o.wait = rx.tail < spins ? RING_WAIT_SPIN : RING_WAIT_ADAPTIVE;
	}
}

int main(int argc, char **argv)
{
	int size = argc == 4 ? atoi(argv[2]) : 0, records = argc == 4 ? atoi(argv[3]) : 0;
	bool leads = argc == 4 && !strcmp(argv[1], "lead");

	if (size < 1 || size > (int)RING / 8 || records < 1 || !getenv("ADDRESS") ||
	    (!leads && strcmp(argv[1], "follow") != 0)) {
		fprintf(stderr, "usage: ADDRESS=A bench_rdma lead|follow SIZE RECORDS\n");
		return 2;
	}
	begin(leads);
	(leads ? lead : follow)((uint32_t)size, (uint32_t)records);
	return 0;
}
