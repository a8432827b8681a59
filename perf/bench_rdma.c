/* SPDX-License-Identifier: MIT */
/*
 * The RDMA carrier alone, against perftest's ib_write_lat and ib_write_bw on the same device: one
 * thread at each end, which plays the engine and both variants.
 *
 *   bench_rdma lead|follow SIZE RECORDS    ADDRESS: the leader's
 *
 * Latency: one record of SIZE bytes after the other; each is published at the follower's end and
 * acknowledged by a tail. One way is half of that time. Bandwidth: as many as the ring takes, tails
 * as the engine sends them. The leader prints "SIZE latency_us(least median 99%) megabytes/s".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../transport/link.h"

#define PORT 7002
#define RING (1u << 20)

static struct engine engine;
static struct link peer = {.engine = &engine};
static struct carrier_stream stream = {.size = RING};
static struct poller poller;
static uint64_t head, tail; /* that have come */

static void must(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench_rdma: %s: %s\n", what, *peer.why ? peer.why : strerror(errno));
	exit(1);
}

/* ---- the engine's side of the carrier: what carrier.h says of these ---- */

int link_head(struct link *l, uint32_t number, uint64_t to)
{
	(void)l, (void)number;
	head = to;
	atomic_store_explicit(&stream.producer->head, to, memory_order_release);
	return 0;
}

int link_tail(struct link *l, uint32_t number, uint64_t to)
{
	(void)l, (void)number;
	tail = to;
	return 0;
}

int link_word(struct link *l, enum frame_type what, uint32_t number, uint64_t position)
{
	(void)number, (void)position;
	if (what == FRAME_BYE)
		l->heard_bye = true;
	return 0;
}

int link_message(struct link *l, const void *bytes, uint32_t size)
{
	(void)l, (void)bytes, (void)size;
	return 0;
}

void link_sent(struct link *l, uint64_t bytes, unsigned frames)
{
	(void)l, (void)bytes, (void)frames;
}

void link_received(struct link *l, uint64_t bytes, unsigned frames)
{
	(void)l, (void)bytes, (void)frames;
}

void link_ended(struct link *l)
{
	l->lost = !l->heard_bye;
}

int link_lost(struct link *l, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(l->why, sizeof(l->why), format, args);
	va_end(args);
	l->lost = true;
	return -ECONNRESET;
}

struct carrier_stream *link_stream(struct link *l, uint32_t number)
{
	(void)l;
	return number ? NULL : &stream;
}

struct stream *streams_find(const struct engine *e, uint32_t number)
{
	(void)e, (void)number;
	return NULL;
}

/* ---- ends ---- */

static void map_stream(void)
{
	int fd = memfd_create("ring", 0);
	uint8_t *p = mmap(NULL, 2 * RING, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(fd >= 0 && !ftruncate(fd, RING + RING_PAGE) && p != MAP_FAILED, "memory");
	stream.producer = mmap(NULL, RING_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, RING);
	for (int i = 0; i < 2; i++)
		must(mmap(p + (size_t)i * RING, RING, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED,
		     "memory");
	stream.data = p;
	must(stream.producer != MAP_FAILED, "memory");
	memset(p, 1, RING);
}

static int dial(bool lead)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int listener, fd, one = 1;

	inet_pton(AF_INET, getenv("ADDRESS"), &a.sin_addr);
	if (lead) {
		listener = socket(AF_INET, SOCK_STREAM, 0);
		setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		must(!bind(listener, (void *)&a, sizeof(a)) && !listen(listener, 1), "listen");
		fd = accept(listener, NULL, NULL);
		close(listener);
		return fd;
	}
	for (;;) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (!connect(fd, (void *)&a, sizeof(a)))
			return fd;
		close(fd);
		usleep(20000);
	}
}

/* rests: sleeps when nothing has come for a while, as the engine does, and leaves the core to the
 * device, which is software here. */
static void step(struct carrier *c, bool rests)
{
	static int64_t busy;
	int came;

	c->ops->flush(c);
	engine.now = tnd_monotonic();
	came = c->ops->poll(c);
	must(!peer.lost, "connection");
	if (came)
		busy = engine.now;
	if (rests && engine.now - busy > 20000) {
		if (c->ops->arm(c) == 0)
			must(!poller_wait(&poller, 20000000), "poller");
	} else if (poller_pending(&poller)) {
		must(!poller_wait(&poller, 0), "poller");
	}
}

static uint64_t push(struct carrier *c, uint64_t from, uint64_t to)
{
	uint64_t at = c->ops->push(c, &stream, from, to);

	if (at != from)
		c->ops->flush(c);
	return at;
}

static int by_value(const void *a, const void *b)
{
	return *(const int64_t *)a < *(const int64_t *)b
		       ? -1
		       : *(const int64_t *)a > *(const int64_t *)b;
}

static void lead(struct carrier *c, uint32_t size, uint32_t records)
{
	uint32_t middle = records / 2, most = records - records / 100 - 1;
	int64_t *took = calloc(records, sizeof(*took)), begun;
	uint64_t at = 0, end;

	must(took != NULL, "memory");
	for (uint32_t i = 0; i < records; i++) {
		uint64_t to = at + size;

		begun = tnd_monotonic();
		for (at = push(c, at, to); tail < to; step(c, false)) {
			if (at < to)
				at = push(c, at, to);
		}
		took[i] = (tnd_monotonic() - begun) / 2;
	}
	/* The first is slow: it waits for the connection. */
	qsort(took + 1, records - 1, sizeof(*took), by_value);
	end = at + (uint64_t)size * records;
	begun = tnd_monotonic();
	while (tail < end) {
		uint64_t room = tail + RING < end ? tail + RING : end;

		at = push(c, at, room);
		step(c, true);
	}
	begun = tnd_monotonic() - begun;
	printf("%u %.1f %.1f %.1f %.1f\n", size, (double)took[1] / 1e3, (double)took[middle] / 1e3,
	       (double)took[most] / 1e3, (double)size * records / 1048576 * 1e9 / (double)begun);
	while (!c->ops->tell(c, FRAME_BYE, 0, 0))
		step(c, true);
	while (!peer.heard_bye)
		step(c, true);
}

/* Every record is acknowledged at once while one is waited for, else each eighth of the ring. */
static void follow(struct carrier *c, uint32_t size, uint32_t records)
{
	uint64_t lockstep = (uint64_t)size * records, told = 0;

	while (!peer.heard_bye) {
		step(c, head >= lockstep);
		if (head == told ||
		    (head > lockstep && head < 2 * lockstep && head - told < RING / 8))
			continue;
		if (head < lockstep && head % size)
			continue;
		if (c->ops->tell(c, FRAME_TAIL, 0, head))
			told = head;
	}
	while (!c->ops->tell(c, FRAME_BYE, 0, 0) || !c->ops->idle(c))
		step(c, true);
}

int main(int argc, char **argv)
{
	bool leads = argc == 4 && !strcmp(argv[1], "lead");
	char why[ENGINE_WHY];
	struct carrier *c;
	uint32_t size, records;

	if (argc != 4 || !getenv("ADDRESS")) {
		fprintf(stderr, "usage: ADDRESS=A bench_rdma lead|follow SIZE RECORDS\n");
		return 2;
	}
	size = (uint32_t)atoi(argv[2]);
	records = (uint32_t)atoi(argv[3]);
	engine.o.leader = leads;
	engine.o.deadline_ns = 20000000000;
	engine.numbers = 1;
	engine.now = tnd_monotonic();
	pthread_mutex_init(&engine.lock, NULL);
	map_stream();
	must(!poller_open(&poller, true, false), "poller");
	if (rdma_carrier.connect(&c, &peer, &poller, &(struct engine_link){.fd = dial(leads)},
				 why)) {
		fprintf(stderr, "bench_rdma: %s\n", why);
		return 1;
	}
	peer.carrier = c;
	must(!c->ops->open(c, &stream), "stream");
	(leads ? lead : follow)(c, size, records);
	c->ops->close(c);
	return 0;
}
