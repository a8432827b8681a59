/* SPDX-License-Identifier: MIT */
/*
 * A hijacked variant, as its peers see it: scribble PID MODE writes into the log (or, MODE tail,
 * into the ack file) of the session that process PID belongs to, where it has it open. SEED: for
 * MODE random.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../monitor/session.h"
#include "../../monitor/syscalls/table.h"
#include "../../transport/record.h"

#define RING (1u << 20) /* the default ring_size */

static void *open_file(const char *pid, const char *name, size_t bytes)
{
	char path[300], link[300];
	struct dirent *e;
	void *p = MAP_FAILED;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	d = opendir(path);
	while (d && p == MAP_FAILED && (e = readdir(d))) {
		ssize_t n;
		int fd;

		snprintf(path, sizeof(path), "/proc/%s/fd/%.20s", pid, e->d_name);
		n = readlink(path, link, sizeof(link) - 1);
		if (n < 0)
			continue;
		link[n] = 0;
		if (strncmp(link, "/memfd:", 7) || strncmp(link + 7, name, strlen(name)))
			continue;
		fd = open(path, O_RDWR);
		if (fd >= 0)
			p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	}
	if (p == MAP_FAILED) {
		fprintf(stderr, "scribble: process %s has no %s that can be written\n", pid, name);
		exit(2);
	}
	return p;
}

static void publish(struct ring_producer *p, uint64_t head)
{
	atomic_store(&p->head, head);
}

/* What a leader may not write, at the end of stream 0. */
static void write_record(struct ring_producer *p, uint8_t *data, const char *mode, unsigned seed)
{
	uint64_t head = atomic_load(&p->head);
	struct record *r = (void *)(data + (head & (RING - 1)));
	size_t room = RING - (head & (RING - 1)), advance = sizeof(*r) + 16;

	memset(r, 0, advance);
	*r = (struct record){.size = (uint32_t)advance, .kind = RECORD_CALL, .call = CALL_pause};
	if (!strcmp(mode, "size-zero"))
		r->size = 0;
	else if (!strcmp(mode, "size-odd"))
		r->size = 41;
	else if (!strcmp(mode, "size-huge"))
		r->size = UINT32_MAX & ~7u;
	else if (!strcmp(mode, "kind"))
		r->kind = 200;
	else if (!strcmp(mode, "padding"))
		r->kind = RECORD_PAD;
	else if (!strcmp(mode, "args"))
		r->args = UINT32_MAX;
	else if (!strcmp(mode, "hash"))
		r->flags = RECORD_HASHED;
	else if (!strcmp(mode, "call"))
		r->call = 60000;
	else if (!strcmp(mode, "arguments"))
		r->args = 8;
	else if (!strcmp(mode, "part")) {
		r->kind = RECORD_PART;
		r->result = INT64_MIN;
	} else if (!strcmp(mode, "parts")) {
		r->extra = UINT64_MAX;
	} else if (!strcmp(mode, "leave")) {
		r->kind = RECORD_LEAVE;
	} else if (!strcmp(mode, "start")) {
		r->kind = RECORD_START;
	} else if (!strcmp(mode, "signal")) {
		r->kind = RECORD_SIGNAL;
		r->args = 0;
	} else if (!strcmp(mode, "signal-number")) {
		r->kind = RECORD_SIGNAL;
		r->args = 0;
		r->size = advance = sizeof(*r) + 128;
		memset(r + 1, 0xff, 128);
	} else if (!strcmp(mode, "random")) {
		srandom(seed);
		advance = 8 * (1 + (size_t)random() % 64);
		for (size_t i = 0; i < advance && i < room; i++)
			((uint8_t *)r)[i] = (uint8_t)(random() % 4 ? 0 : random());
		if (random() % 4) {
			r->size = (uint32_t)advance;
			r->kind = (uint8_t)(random() % (RECORD_KINDS + 1));
			r->thread = (uint32_t)random() % 2;
		}
		/* A part, say, may be as good as any: what follows is none at all. */
		memset((uint8_t *)r + advance, 0, sizeof(*r));
		advance += sizeof(*r);
	} else {
		fprintf(stderr, "scribble: no mode %s\n", mode);
		exit(2);
	}
	publish(p, head + advance);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[2] : "";
	unsigned seed = argc > 3 ? (unsigned)atoi(argv[3]) : 1;
	uint8_t *file;

	if (!strcmp(mode, "tail")) {
		struct ring_consumer *c;

		file = open_file(argv[1], "tandem-ack", ack_stream_offset(1));
		c = (void *)(file + ack_stream_offset(0));
		atomic_store(&c->tail, UINT64_MAX / 2);
		return 0;
	}
	file = open_file(argc > 1 ? argv[1] : "", "tandem-log", log_stream_offset(RING, 1));
	struct ring_producer *p = (void *)(file + log_stream_offset(RING, 0));

	if (!strcmp(mode, "head-far"))
		publish(p, atomic_load(&p->head) + 64ull * RING);
	else if (!strcmp(mode, "head-back"))
		publish(p, 8);
	else if (!strcmp(mode, "streams"))
		atomic_store(&((struct log_header *)file)->next_stream, UINT32_MAX);
	else
		write_record(p, file + log_stream_offset(RING, 0) + RING_PAGE, mode, seed);
	return 0;
}
