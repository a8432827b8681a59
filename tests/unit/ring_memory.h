/* SPDX-License-Identifier: MIT */
#ifndef TANDEM_TEST_RING_MEMORY_H
#define TANDEM_TEST_RING_MEMORY_H

/*
 * The memory of one ring as its embedding program sets it up: a memfd for each page and one for
 * the data, mapped twice by each side with the rights that this side has. For tests and benches.
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "transport/ring.h"

struct ring_memory {
	uint64_t size;
	unsigned count;
	int producer_fd, data_fd, consumer_fd[RING_CONSUMERS];
};

/* One side's view; `who` may write: -1 the producer, i consumer i, RING_ALL everything. */
struct ring_view {
	struct ring_producer *producer;
	uint8_t *data;
	struct ring_consumer *consumer[RING_CONSUMERS];
};

#define RING_ALL 100

static inline int ring_memory_file(uint64_t size)
{
	int fd = memfd_create("ring", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)size)) {
		perror("memfd");
		exit(1);
	}
	return fd;
}

static inline struct ring_memory ring_memory_create(uint64_t size, unsigned count)
{
	struct ring_memory m = {.size = size, .count = count};

	m.producer_fd = ring_memory_file(RING_PAGE);
	m.data_fd = ring_memory_file(size);
	for (unsigned i = 0; i < count; i++)
		m.consumer_fd[i] = ring_memory_file(RING_PAGE);
	return m;
}

static inline void ring_memory_close(struct ring_memory *m)
{
	close(m->producer_fd);
	close(m->data_fd);
	for (unsigned i = 0; i < m->count; i++)
		close(m->consumer_fd[i]);
}

static inline void *ring_memory_map(void *at, int fd, uint64_t size, bool writable)
{
	void *p = mmap(at, size, PROT_READ | (writable ? PROT_WRITE : 0),
		       MAP_SHARED | MAP_POPULATE | (at ? MAP_FIXED : 0), fd, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return p;
}

static inline struct ring_view ring_memory_view(const struct ring_memory *m, int who)
{
	struct ring_view v = {0};
	bool producer = who == -1 || who == RING_ALL;

	v.producer = ring_memory_map(NULL, m->producer_fd, RING_PAGE, producer);
	v.data = mmap(NULL, 2 * m->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (v.data == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	ring_memory_map(v.data, m->data_fd, m->size, producer);
	ring_memory_map(v.data + m->size, m->data_fd, m->size, producer);
	for (unsigned i = 0; i < m->count; i++)
		v.consumer[i] = ring_memory_map(NULL, m->consumer_fd[i], RING_PAGE,
						who == (int)i || who == RING_ALL);
	return v;
}

static inline void ring_memory_unmap(const struct ring_memory *m, struct ring_view *v)
{
	munmap(v->producer, RING_PAGE);
	munmap(v->data, 2 * m->size);
	for (unsigned i = 0; i < m->count; i++)
		munmap(v->consumer[i], RING_PAGE);
}

#endif
