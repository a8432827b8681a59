/* SPDX-License-Identifier: MIT */

/*
 * The ring against Concurrency Kit's ck_ring, a pipe and a Unix socket, and against plain memcpy:
 * one process on each of two cores, messages of 16 B to 64 KB.
 *
 *   bench_ring [SECONDS [PRODUCER_CPU CONSUMER_CPU [TRANSPORT [BYTES]]]]      (default 20 0 1, all)
 *
 * Prints CSV: test,transport,bytes,median,unit,to_memcpy,to_ck,min,max. to_memcpy and to_ck are
 * medians of the ratios within a round (throughput: more is better; round trip: less is better, and
 * no memcpy). Rounds are interleaved, each runs every transport once, a few milliseconds each, in
 * turn (A B C A B C ...), as many rounds as the time allows. Only a quiet machine tells the truth:
 * with two cores any third process is in the way of one of the two.
 *
 * What is equal for all: the sender copies the message from a private buffer into the transport,
 * the receiver copies it into a private one and checks its number, and each transport has 1 MiB to
 * buffer in (the socket and the pipe: what the kernel allows).
 *   ring_spin, ring_adaptive, ring_block: transport/ring.h in its three modes.
 *   ck: ck_ring's typed form (CK_RING_PROTOTYPE), payload in the ring's own slots: no pointer, no
 * second buffer. That's its best case: messages of one size known at compile time. pipe, unix:
 * write/read, SOCK_STREAM. memcpy: the two copies through 1 MiB of shared memory, handed over in
 * lumps of 128 KiB (one flag for each lump): what two cores can do when synchronisation costs
 * nothing. No round trip. Round trip: a second transport of the same kind carries an equally long
 * reply. "lockstep" is the ring as the leader uses it: one record, and the reply is the follower's
 * tail.
 */

#include <ck_pr.h>
#include <ck_ring.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/unit/ring_memory.h"

#define SPACE (1u << 20)
#define LUMP (SPACE / 8)
#define LARGEST 65536u
#define LAST UINT64_MAX
#define ROUNDS_MOST 199
#define SLICE_NS 4000000
#define INLINE static inline __attribute__((always_inline))

static void die(const char *what)
{
	perror(what);
	_exit(1);
}

/* One direction of one transport. Made before the fork; each process uses its own half. */
struct lump_flags {
	_Alignas(RING_LINE) _Atomic uint64_t head;
	_Alignas(RING_LINE) _Atomic uint64_t tail;
};

struct channel {
	struct ring_view view; /* everything writable: one mapping, inherited */
	struct ring_tx tx;
	struct ring_rx rx;
	bool urgent;
	int fd[2];
	ck_ring_t *ck;
	void *slots;
	struct lump_flags *lumps;
	uint8_t *memory;
	uint64_t position, limit;
};

static void *shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

/* ---- ring ---- */

static void ring_open(struct channel *c, enum ring_wait wait, bool urgent)
{
	struct ring_memory m = ring_memory_create(SPACE, 1);
	struct ring_options o = {.wait = wait};

	c->view = ring_memory_view(&m, RING_ALL);
	ring_memory_close(&m);
	c->urgent = urgent;
	if (ring_tx_init(&c->tx, c->view.producer, c->view.data, SPACE, c->view.consumer, 1, &o) ||
	    ring_rx_init(&c->rx, c->view.producer, c->view.data, SPACE, c->view.consumer[0], &o))
		die("ring");
}

static void ring_close(struct channel *c)
{
	struct ring_memory m = {.size = SPACE, .count = 1};

	ring_memory_unmap(&m, &c->view);
}

INLINE void ring_send(struct channel *c, const void *message, uint32_t size)
{
	int err;
	void *p = ring_reserve(&c->tx, size, &err);

	if (!p)
		die("ring_reserve");
	memcpy(p, message, size);
	ring_publish(&c->tx, size);
}

INLINE void ring_recv(struct channel *c, void *buffer, uint32_t size)
{
	const void *p;

	if (ring_peek(&c->rx, size, &p, RING_FOREVER, c->urgent))
		die("ring_peek");
	memcpy(buffer, p, size);
	ring_release(&c->rx, size);
}

static void ring_settle(struct channel *c)
{
	ring_kick(&c->tx);
}

/* ---- pipe, unix ---- */

static void pipe_open(struct channel *c)
{
	if (pipe(c->fd))
		die("pipe");
	fcntl(c->fd[1], F_SETPIPE_SZ, SPACE); /* less is allowed without privilege: as it comes */
}

static void unix_open(struct channel *c)
{
	int space = SPACE;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, c->fd))
		die("socketpair");
	setsockopt(c->fd[1], SOL_SOCKET, SO_SNDBUF, &space, sizeof(space));
}

static void fd_close(struct channel *c)
{
	close(c->fd[0]);
	close(c->fd[1]);
}

INLINE void fd_send(struct channel *c, const void *message, uint32_t size)
{
	for (uint32_t done = 0; done < size;) {
		ssize_t n = write(c->fd[1], (const char *)message + done, size - done);

		if (n <= 0)
			die("write");
		done += (uint32_t)n;
	}
}

INLINE void fd_recv(struct channel *c, void *buffer, uint32_t size)
{
	for (uint32_t done = 0; done < size;) {
		ssize_t n = read(c->fd[0], (char *)buffer + done, size - done);

		if (n <= 0)
			die("read");
		done += (uint32_t)n;
	}
}

static void no_flush(struct channel *c)
{
	(void)c;
}

/* ---- memcpy ---- */

static void memcpy_open(struct channel *c)
{
	c->memory = shared(SPACE);
	c->lumps = shared(sizeof(*c->lumps));
	c->position = 0;
	c->limit = 0;
}

static void memcpy_close(struct channel *c)
{
	munmap(c->memory, SPACE);
	munmap(c->lumps, sizeof(*c->lumps));
}

INLINE void memcpy_send(struct channel *c, const void *message, uint32_t size)
{
	while (c->position + size > c->limit)
		c->limit = SPACE + atomic_load_explicit(&c->lumps->tail, memory_order_acquire);
	memcpy(c->memory + c->position % SPACE, message, size);
	c->position += size;
	if (c->position % LUMP == 0)
		atomic_store_explicit(&c->lumps->head, c->position, memory_order_release);
}

INLINE void memcpy_recv(struct channel *c, void *buffer, uint32_t size)
{
	while (c->position + size > c->limit)
		c->limit = atomic_load_explicit(&c->lumps->head, memory_order_acquire);
	memcpy(buffer, c->memory + c->position % SPACE, size);
	c->position += size;
	if (c->position % LUMP == 0)
		atomic_store_explicit(&c->lumps->tail, c->position, memory_order_release);
}

static void memcpy_flush(struct channel *c)
{
	atomic_store_explicit(&c->lumps->head, c->position, memory_order_release);
}

/* ---- ck ---- */

#define SIZES(X) X(16) X(64) X(256) X(1024) X(4096) X(16384) X(65536)

#define CK_TYPE(n)                                                                                 \
	struct message_##n {                                                                       \
		uint8_t bytes[n];                                                                  \
	};                                                                                         \
	CK_RING_PROTOTYPE(m##n, message_##n)                                                       \
	INLINE void ck_send_##n(struct channel *c, const void *message)                            \
	{                                                                                          \
		while (!CK_RING_ENQUEUE_SPSC(m##n, c->ck, c->slots,                                \
					     (struct message_##n *)(uintptr_t)message))            \
			ck_pr_stall();                                                             \
	}                                                                                          \
	INLINE void ck_recv_##n(struct channel *c, void *buffer)                                   \
	{                                                                                          \
		while (!CK_RING_DEQUEUE_SPSC(m##n, c->ck, c->slots, (struct message_##n *)buffer)) \
			ck_pr_stall();                                                             \
	}
SIZES(CK_TYPE)

static void ck_open(struct channel *c, uint32_t size)
{
	c->ck = shared(sizeof(ck_ring_t));
	c->slots = shared(SPACE);
	ck_ring_init(c->ck, SPACE / size);
}

static void ck_close(struct channel *c)
{
	munmap(c->ck, sizeof(ck_ring_t));
	munmap(c->slots, SPACE);
}

/* ---- measuring ---- */

struct result {
	_Atomic int ready;
	_Atomic int64_t end; /* ns: when the receiver had the last message */
	_Atomic uint64_t count;
};

struct cell {
	void (*produce)(struct channel *c, int64_t until);
	void (*consume)(struct channel *c, struct result *r);
	uint64_t (*ping)(struct channel *c, int64_t until);
	void (*pong)(struct channel *c);
};

static _Alignas(4096) uint8_t outgoing[LARGEST], incoming[LARGEST];

static void number(uint64_t n)
{
	memcpy(outgoing, &n, sizeof(n));
}

static uint64_t arrived(void)
{
	uint64_t n;

	memcpy(&n, incoming, sizeof(n));
	return n;
}

/*
 * The loops of all transports, with the size known at compile time. LAST ends a run. c[0] leads
 * from the first process to the second, c[1] back.
 */
#define LOOPS(name, n, SEND, RECV, FLUSH)                                                          \
	static void name##_produce_##n(struct channel *c, int64_t until)                           \
	{                                                                                          \
		uint64_t i = 0;                                                                    \
                                                                                                   \
		do {                                                                               \
			for (unsigned j = 0; j < 1 + 65536 / n; j++) {                             \
				number(i++);                                                       \
				SEND(&c[0], outgoing);                                             \
			}                                                                          \
		} while (tnd_monotonic() < until);                                                 \
		number(LAST);                                                                      \
		SEND(&c[0], outgoing);                                                             \
		FLUSH(&c[0]);                                                                      \
	}                                                                                          \
	static void name##_consume_##n(struct channel *c, struct result *r)                        \
	{                                                                                          \
		for (uint64_t i = 0;; i++) {                                                       \
			RECV(&c[0], incoming);                                                     \
			if (arrived() == LAST) {                                                   \
				r->end = tnd_monotonic();                                          \
				r->count = i;                                                      \
				return;                                                            \
			}                                                                          \
			if (arrived() != i)                                                        \
				die("bench_ring: " #name ": wrong message");                       \
		}                                                                                  \
	}

#define PINGS(name, n, SEND, RECV, FLUSH)                                                          \
	static uint64_t name##_ping_##n(struct channel *c, int64_t until)                          \
	{                                                                                          \
		uint64_t i = 0;                                                                    \
                                                                                                   \
		do {                                                                               \
			for (unsigned j = 0; j < 16; j++) {                                        \
				number(i++);                                                       \
				SEND(&c[0], outgoing);                                             \
				RECV(&c[1], incoming);                                             \
			}                                                                          \
		} while (tnd_monotonic() < until);                                                 \
		number(LAST);                                                                      \
		SEND(&c[0], outgoing);                                                             \
		FLUSH(&c[0]);                                                                      \
		return i;                                                                          \
	}                                                                                          \
	static void name##_pong_##n(struct channel *c)                                             \
	{                                                                                          \
		for (;;) {                                                                         \
			RECV(&c[0], incoming);                                                     \
			if (arrived() == LAST)                                                     \
				return;                                                            \
			SEND(&c[1], outgoing);                                                     \
		}                                                                                  \
	}

#define LOCKSTEP(n)                                                                                \
	static uint64_t lockstep_ping_##n(struct channel *c, int64_t until)                        \
	{                                                                                          \
		uint64_t i = 0;                                                                    \
                                                                                                   \
		do {                                                                               \
			for (unsigned j = 0; j < 16; j++) {                                        \
				number(i++);                                                       \
				ring_send(&c[0], outgoing, n);                                     \
				if (ring_wait_checked(&c[0].tx, ring_head(&c[0].tx),               \
						      RING_FOREVER))                               \
					die("ring_wait_checked");                                  \
			}                                                                          \
		} while (tnd_monotonic() < until);                                                 \
		number(LAST);                                                                      \
		ring_send(&c[0], outgoing, n);                                                     \
		ring_kick(&c[0].tx);                                                               \
		return i;                                                                          \
	}                                                                                          \
	static void lockstep_pong_##n(struct channel *c)                                           \
	{                                                                                          \
		do                                                                                 \
			ring_recv(&c[0], incoming, n);                                             \
		while (arrived() != LAST);                                                         \
	}

#define ALL_LOOPS(n)                                                                               \
	INLINE void ring_send_##n(struct channel *c, const void *m)                                \
	{                                                                                          \
		ring_send(c, m, n);                                                                \
	}                                                                                          \
	INLINE void ring_recv_##n(struct channel *c, void *b)                                      \
	{                                                                                          \
		ring_recv(c, b, n);                                                                \
	}                                                                                          \
	INLINE void fd_send_##n(struct channel *c, const void *m)                                  \
	{                                                                                          \
		fd_send(c, m, n);                                                                  \
	}                                                                                          \
	INLINE void fd_recv_##n(struct channel *c, void *b)                                        \
	{                                                                                          \
		fd_recv(c, b, n);                                                                  \
	}                                                                                          \
	INLINE void memcpy_send_##n(struct channel *c, const void *m)                              \
	{                                                                                          \
		memcpy_send(c, m, n);                                                              \
	}                                                                                          \
	INLINE void memcpy_recv_##n(struct channel *c, void *b)                                    \
	{                                                                                          \
		memcpy_recv(c, b, n);                                                              \
	}                                                                                          \
	LOOPS(ring, n, ring_send_##n, ring_recv_##n, ring_settle)                                  \
	PINGS(ring, n, ring_send_##n, ring_recv_##n, ring_settle)                                  \
	LOOPS(fd, n, fd_send_##n, fd_recv_##n, no_flush)                                           \
	PINGS(fd, n, fd_send_##n, fd_recv_##n, no_flush)                                           \
	LOOPS(ck, n, ck_send_##n, ck_recv_##n, no_flush)                                           \
	PINGS(ck, n, ck_send_##n, ck_recv_##n, no_flush)                                           \
	LOOPS(memcpy, n, memcpy_send_##n, memcpy_recv_##n, memcpy_flush)                           \
	LOCKSTEP(n)
SIZES(ALL_LOOPS)

static void open_spin(struct channel *c, uint32_t size)
{
	(void)size;
	ring_open(c, RING_WAIT_SPIN, true);
}

static void open_spin_stream(struct channel *c, uint32_t size)
{
	(void)size;
	ring_open(c, RING_WAIT_SPIN, false);
}

static void open_adaptive(struct channel *c, uint32_t size)
{
	(void)size;
	ring_open(c, RING_WAIT_ADAPTIVE, false);
}

static void open_urgent(struct channel *c, uint32_t size)
{
	(void)size;
	ring_open(c, RING_WAIT_ADAPTIVE, true);
}

static void open_block(struct channel *c, uint32_t size)
{
	(void)size;
	ring_open(c, RING_WAIT_BLOCK, false);
}

static void open_pipe(struct channel *c, uint32_t size)
{
	(void)size;
	pipe_open(c);
}

static void open_unix(struct channel *c, uint32_t size)
{
	(void)size;
	unix_open(c);
}

static void open_memcpy(struct channel *c, uint32_t size)
{
	(void)size;
	memcpy_open(c);
}

#define SIZE_COUNT 7
static const uint32_t sizes[SIZE_COUNT] = {16, 64, 256, 1024, 4096, 16384, 65536};

#define EACH(M, name)                                                                              \
	{                                                                                          \
		M(name, 16), M(name, 64), M(name, 256), M(name, 1024), M(name, 4096),              \
			M(name, 16384), M(name, 65536)                                             \
	}
#define STREAM_CELL(name, n)                                                                       \
	{                                                                                          \
		.produce = name##_produce_##n, .consume = name##_consume_##n                       \
	}
#define PING_CELL(name, n)                                                                         \
	{                                                                                          \
		.ping = name##_ping_##n, .pong = name##_pong_##n                                   \
	}

struct contest {
	const char *test, *transport;
	void (*open)(struct channel *c, uint32_t size);
	void (*close)(struct channel *c);
	struct cell cell[SIZE_COUNT];
};

static struct contest contests[] = {
	{"throughput", "memcpy", open_memcpy, memcpy_close, EACH(STREAM_CELL, memcpy)},
	{"throughput", "ring_spin", open_spin_stream, ring_close, EACH(STREAM_CELL, ring)},
	{"throughput", "ring_adaptive", open_adaptive, ring_close, EACH(STREAM_CELL, ring)},
	{"throughput", "ring_block", open_block, ring_close, EACH(STREAM_CELL, ring)},
	{"throughput", "ck", ck_open, ck_close, EACH(STREAM_CELL, ck)},
	{"throughput", "pipe", open_pipe, fd_close, EACH(STREAM_CELL, fd)},
	{"throughput", "unix", open_unix, fd_close, EACH(STREAM_CELL, fd)},
	{"roundtrip", "ck", ck_open, ck_close, EACH(PING_CELL, ck)},
	{"roundtrip", "ring_spin", open_spin, ring_close, EACH(PING_CELL, ring)},
	{"roundtrip", "ring_adaptive", open_urgent, ring_close, EACH(PING_CELL, ring)},
	{"roundtrip", "ring_block", open_block, ring_close, EACH(PING_CELL, ring)},
	{"roundtrip", "lockstep_spin", open_spin, ring_close, EACH(PING_CELL, lockstep)},
	{"roundtrip", "lockstep_adaptive", open_urgent, ring_close, EACH(PING_CELL, lockstep)},
	{"roundtrip", "pipe", open_pipe, fd_close, EACH(PING_CELL, fd)},
	{"roundtrip", "unix", open_unix, fd_close, EACH(PING_CELL, fd)},
};
#define CONTESTS (sizeof(contests) / sizeof(contests[0]))

static double figures[CONTESTS][SIZE_COUNT][ROUNDS_MOST];

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

/*
 * Fork doesn't copy the page tables of shared memory: have all faults before the clock starts.
 * Adding nothing is a write that changes nothing.
 */
static void touch(void *p, size_t size)
{
	for (size_t i = 0; p && i < size; i += 4096)
		__atomic_fetch_add((uint8_t *)p + i, 0, __ATOMIC_RELAXED);
}

static void warm(struct channel *c)
{
	touch(c->view.producer, RING_PAGE);
	touch(c->view.data, c->view.data ? 2 * SPACE : 0);
	touch(c->view.consumer[0], RING_PAGE);
	touch(c->ck, sizeof(*c->ck));
	touch(c->slots, SPACE);
	touch(c->memory, SPACE);
	touch(c->lumps, sizeof(*c->lumps));
	touch(c, sizeof(*c));
	touch(outgoing, sizeof(outgoing));
	touch(incoming, sizeof(incoming));
}

/* MB/s or ns for one round trip. */
static double measure(struct contest *k, int size, const int cpu[2])
{
	struct result *result = shared(sizeof(*result));
	struct channel c[2];
	const struct cell *cell = &k->cell[size];
	double figure = 0;
	int status;
	pid_t child;

	memset(c, 0, sizeof(c));
	k->open(&c[0], sizes[size]);
	k->open(&c[1], sizes[size]);
	child = fork();
	if (child < 0)
		die("fork");
	if (!child) {
		alarm(20); /* a lost message must not hang the bench */
		pin(cpu[1]);
		warm(&c[0]);
		warm(&c[1]);
		result->ready = 1;
		if (cell->pong)
			cell->pong(c);
		else
			cell->consume(c, result);
		_exit(0);
	}
	pin(cpu[0]);
	warm(&c[0]);
	warm(&c[1]);
	while (!result->ready && waitpid(child, &status, WNOHANG) == 0)
		ck_pr_stall();
	int64_t start = tnd_monotonic();
	if (cell->ping) {
		uint64_t count = cell->ping(c, start + SLICE_NS);

		figure = (double)(tnd_monotonic() - start) / (double)count;
	} else {
		cell->produce(c, start + SLICE_NS);
	}
	if (waitpid(child, &status, 0) != child || status) {
		fprintf(stderr, "bench_ring: %s %s %u: the receiver failed (status %#x)\n", k->test,
			k->transport, sizes[size], status);
		exit(1);
	}
	if (!cell->ping)
		figure = (double)result->count * sizes[size] * 1e3 / (double)(result->end - start);
	k->close(&c[0]);
	k->close(&c[1]);
	munmap(result, sizeof(*result));
	return figure;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, int n)
{
	qsort(v, (size_t)n, sizeof(*v), compare);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* Which transport of the same test bears this name; CONTESTS: none. */
static size_t find(const char *test, const char *transport)
{
	size_t i = 0;

	while (i < CONTESTS &&
	       (strcmp(contests[i].test, test) || strcmp(contests[i].transport, transport)))
		i++;
	return i;
}

/* What is measured; NULL, 0: all. */
static const char *only_transport;
static uint32_t only_bytes;

static bool chosen(size_t contest, int size)
{
	return (!only_transport || !strcmp(contests[contest].transport, only_transport)) &&
	       (!only_bytes || sizes[size] == only_bytes);
}

static void print_ratio(size_t i, const char *reference, int size, int rounds)
{
	size_t j = find(contests[i].test, reference);
	double ratio[ROUNDS_MOST];

	if (j < CONTESTS && !chosen(j, size))
		j = CONTESTS;
	for (int r = 0; r < rounds && j < CONTESTS; r++)
		ratio[r] = figures[i][size][r] / figures[j][size][r];
	if (j < CONTESTS)
		printf("%.3f", median(ratio, rounds));
	printf(",");
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 20;
	const int cpu[2] = {argc > 2 ? atoi(argv[2]) : 0, argc > 3 ? atoi(argv[3]) : 1};
	int64_t start = tnd_monotonic(), end = start + (int64_t)(seconds * 1e9), took = 0;
	int rounds = 0, cells = 0;

	only_transport = argc > 4 ? argv[4] : NULL;
	only_bytes = argc > 5 ? (uint32_t)atoi(argv[5]) : 0;
	for (int size = 0; size < SIZE_COUNT; size++)
		for (size_t i = 0; i < CONTESTS; i++)
			cells += chosen(i, size);
	if (seconds <= 0 || argc == 3 || argc > 6 || cells == 0) {
		fprintf(stderr, "usage: bench_ring [SECONDS [PRODUCER_CPU CONSUMER_CPU "
				"[TRANSPORT [BYTES]]]]\n");
		return 2;
	}
	for (; rounds == 0 || (rounds < ROUNDS_MOST && start + took < end); rounds++) {
		start = tnd_monotonic();
		for (int size = 0; size < SIZE_COUNT; size++) {
			for (size_t i = 0; i < CONTESTS; i++)
				if (chosen(i, size))
					figures[i][size][rounds] = measure(&contests[i], size, cpu);
		}
		took = tnd_monotonic() - start;
		start += took;
	}
	printf("test,transport,bytes,median,unit,to_memcpy,to_ck,min,max\n");
	for (int size = 0; size < SIZE_COUNT; size++) {
		for (size_t i = 0; i < CONTESTS; i++) {
			const struct contest *k = &contests[i];
			double v[ROUNDS_MOST];

			if (!chosen(i, size))
				continue;
			memcpy(v, figures[i][size], sizeof(v));
			double middle = median(v, rounds);
			printf("%s,%s,%u,%.1f,%s,", k->test, k->transport, sizes[size], middle,
			       k->cell[size].ping ? "ns" : "MB/s");
			print_ratio(i, "memcpy", size, rounds);
			print_ratio(i, "ck", size, rounds);
			printf("%.1f,%.1f\n", v[0], v[rounds - 1]);
		}
	}
	return 0;
}
