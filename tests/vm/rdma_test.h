/* SPDX-License-Identifier: MIT */
#ifndef TANDEM_TEST_RDMA_TEST_H
#define TANDEM_TEST_RDMA_TEST_H

/* What the halves of test_rdma.c meet by, and what they say to each other. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <rdma/rdma_verbs.h>

#include "tests/unit/engine_host.h"
#include "tests/unit/futex_host.h"
#include "transport/link.h"
#include "transport/rdma.h"

#define PORT 7001
#define TIME_LIMIT 60
#define DEADLINE 15000000000ll
#define SECOND 1000000000ll
#define LOCKSTEP 20000000000ll /* ns: most that an answer takes */

static const struct way way = {.name = "rdma", .carrier = "rdma"};
static const struct ring_options defaults;
static const char *address;
static bool alone; /* both halves on this machine */

#define MUST(x)                                                                                    \
	do {                                                                                       \
		if (!(x)) {                                                                        \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #x);          \
			fflush(stderr);                                                            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* ---- the two ends ---- */

static inline int dial(bool leader)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int one = 1, listener, fd;

	inet_pton(AF_INET, address, &a.sin_addr);
	if (leader) {
		listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		MUST(!bind(listener, (void *)&a, sizeof(a)) && !listen(listener, 1));
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		MUST(fd >= 0);
		close(listener);
		return fd;
	}
	/* The leader's half may take its time. */
	for (;;) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (!connect(fd, (void *)&a, sizeof(a)))
			return fd;
		close(fd);
		usleep(50000);
	}
}

static inline int add(struct host *h, const char *device, char why[ENGINE_WHY])
{
	return engine_add(h->engine,
			  &(struct engine_link){.name = 0,
						.ack = h->ack[0],
						.fd = dial(h->leader),
						.carrier = "rdma",
						.device = device},
			  why);
}

static inline void begin_within(struct host *h, bool leader, uint64_t size, int64_t deadline)
{
	char why[ENGINE_WHY];

	host_begin(h, leader, &way, size, 1, deadline);
	if (add(h, NULL, why)) {
		fprintf(stderr, "engine_add: %s\n", why);
		abort();
	}
	host_enter(h);
}

static inline void begin(struct host *h, bool leader, uint64_t size)
{
	begin_within(h, leader, size, DEADLINE);
}

static inline void expect(struct host *h, enum engine_event_kind kind, const char *text)
{
	struct engine_event e;

	host_event(h, &e);
	if (e.kind != kind || !strstr(e.why, text)) {
		fprintf(stderr, "event %d: %s; expected: %d: %s\n", e.kind, e.why, kind, text);
		abort();
	}
	free(e.data);
}

/* ---- records whose contents follow from their position ---- */

static inline uint8_t byte_at(uint64_t position)
{
	return (uint8_t)((position * 0x9e3779b97f4a7c15ull) >> 56);
}

static inline void put(struct ring_tx *tx, uint32_t n)
{
	int err = 0;
	uint8_t *p = ring_reserve(tx, n, &err);

	MUST(!err);
	for (uint32_t i = 0; i < n; i++)
		p[i] = byte_at(tx->head + i);
	ring_commit(tx, n);
}

static inline void get(struct ring_rx *rx, uint32_t n)
{
	const uint8_t *p = NULL;

	MUST(!ring_peek(rx, n, (const void **)&p, LOCKSTEP, false));
	for (uint32_t i = 0; i < n; i++)
		MUST(p[i] == byte_at(rx->tail + i));
	ring_release(rx, n);
}

static inline uint32_t mixed(uint64_t position)
{
	uint32_t r = (uint32_t)(position * 0x9e3779b97f4a7c15ull >> 32);

	return r % 16 ? 1 + r / 16 % 300 : 1 + r / 16 % (HOST_RING / 4);
}

/* Handler: a wait is over. */
static inline void too_long(int signal)
{
	(void)signal;
}

/* Where in the kernel a half stands that doesn't end. */
static inline void show_stack(pid_t child)
{
	char path[32], line[256];
	FILE *stack;

	snprintf(path, sizeof(path), "/proc/%d/stack", child);
	stack = fopen(path, "r");
	printf("# %s:%s\n", path, stack ? "" : " not readable");
	while (stack && fgets(line, sizeof(line), stack))
		printf("#   %s", line);
	if (stack)
		fclose(stack);
}

#endif
