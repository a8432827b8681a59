/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096

/* transport/ring.h: what the ring needs of its host. */
long tnd_futex(const _Atomic uint32_t *word, int op, uint32_t value, const struct timespec *timeout)
{
	long result = syscall(SYS_futex, word, op, value, timeout, NULL, 0);

	return result < 0 ? -errno : result;
}

int64_t tnd_monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static int memory_file(const char *name, uint64_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) < 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

static void *map(int fd, uint64_t offset, size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);

	return p == MAP_FAILED ? NULL : p;
}

/* Appends NAME\0 to a list that an empty name ends; false: no room. */
static bool list_add(char *list, size_t size, const char *name, size_t length)
{
	size_t at = 0;

	while (list[at]) {
		if (strlen(list + at) == length && !memcmp(list + at, name, length))
			return true;
		at += strlen(list + at) + 1;
	}
	if (at + length + 2 > size)
		return false;
	memcpy(list + at, name, length);
	return true;
}

static int fill_lists(struct session *s, const struct config *c)
{
	bool fits = list_add(s->variable_names, sizeof(s->variable_names), "LD_PRELOAD", 10) &&
		    list_add(s->variable_names, sizeof(s->variable_names), SESSION_ENV,
			     strlen(SESSION_ENV));

	for (size_t v = 0; v < c->n_variants; v++) {
		for (size_t i = 0; i < c->variants[v].n_env; i++) {
			const char *entry = c->variants[v].env[i];

			fits &= list_add(s->variable_names, sizeof(s->variable_names), entry,
					 strcspn(entry, "="));
		}
	}
	for (size_t i = 0; i < c->n_write_paths; i++)
		fits &= list_add(s->write_paths, sizeof(s->write_paths), c->write_paths[i],
				 strlen(c->write_paths[i]));
	return fits ? 0 : -E2BIG;
}

static int fill_preload(struct session *s, const struct config *c, const char *library)
{
	const char *callers = getenv("LD_PRELOAD");

	if (snprintf(s->library, sizeof(s->library), "%s", library) >= (int)sizeof(s->library))
		return -ENAMETOOLONG;
	for (size_t v = 0; v < c->n_variants; v++) {
		char *to = s->preload[v];
		size_t size = sizeof(s->preload[v]);
		size_t n = (size_t)snprintf(to, size, "%s", library);

		for (size_t i = 0; i < c->variants[v].n_preload && n < size; i++)
			n += (size_t)snprintf(to + n, size - n, ":%s", c->variants[v].preload[i]);
		if (callers && *callers && n < size)
			n += (size_t)snprintf(to + n, size - n, ":%s", callers);
		if (n >= size)
			return -ENAMETOOLONG;
	}
	return 0;
}

static int fill(struct session *s, const struct config *c, const char *library, unsigned trap)
{
	uint64_t place;
	int error;

	s->magic = SESSION_MAGIC;
	s->version = SESSION_VERSION;
	s->size = sizeof(*s);
	s->variants = (uint32_t)c->n_variants;
	s->leader = (uint32_t)c->leader;
	s->policy = (uint32_t)c->policy;
	s->compare = c->compare == CONFIG_COMPARE_HASH ? COMPARE_HASH : COMPARE_FULL;
	s->trap = trap;
	s->wait = c->wait == CONFIG_WAIT_SPIN    ? RING_WAIT_SPIN
		  : c->wait == CONFIG_WAIT_BLOCK ? RING_WAIT_BLOCK
						 : RING_WAIT_ADAPTIVE;
	s->ring_size = c->ring_size;
	s->lag_limit = c->replication_batch_size < c->ring_size ? c->replication_batch_size : 0;
	s->hang_ns = (uint64_t)(c->hang_timeout * 1e9);
	s->inject = (uint32_t)(c->inject_fault_probability * 4294967295.0);
	s->supervisor = getpid();
	if (getrandom(s->random, sizeof(s->random), 0) != sizeof(s->random) ||
	    getrandom(s->hash_secret, sizeof(s->hash_secret), 0) != sizeof(s->hash_secret) ||
	    getrandom(&place, sizeof(place), 0) != sizeof(place))
		return -EIO;
	if (trap == TRAP_SECCOMP)
		s->gate = 0x200000000000ull + (place % (1ull << 28)) * PAGE;
	error = fill_lists(s, c);
	return error ? error : fill_preload(s, c, library);
}

int session_create(struct session_files *f, const struct config *c, const char *library,
		   unsigned trap)
{
	memset(f, 0, sizeof(*f));
	f->control = memory_file("tandem-control", control_stream_offset(SESSION_STREAMS));
	f->log = memory_file("tandem-log", log_stream_offset(c->ring_size, SESSION_STREAMS));
	f->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (f->control < 0 || f->log < 0 || f->bell < 0)
		return -errno;
	for (size_t v = 0; v < c->n_variants; v++) {
		f->state[v] = memory_file("tandem-state", state_stream_offset(SESSION_STREAMS));
		f->ack[v] = memory_file("tandem-ack", ack_stream_offset(SESSION_STREAMS));
		if (f->state[v] < 0 || f->ack[v] < 0)
			return -errno;
		f->variant[v] = map(f->state[v], 0, STATE_HEADER);
		if (!f->variant[v])
			return -ENOMEM;
	}
	f->session = map(f->control, 0, SESSION_CONTROL_HEADER);
	f->header = map(f->log, 0, RING_PAGE);
	if (!f->session || !f->header)
		return -ENOMEM;
	return fill(f->session, c, library, trap);
}

unsigned session_descriptors(const struct session_files *f, unsigned v)
{
	return SESSION_FD_ACK + (v == f->session->leader ? f->session->variants - 1 : 1);
}

unsigned session_follower(const struct session_files *f, unsigned v)
{
	return v < f->session->leader ? v : v - 1;
}

static int read_only(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int session_hand_over(const struct session_files *f, unsigned v, int base)
{
	bool leader = v == f->session->leader;
	int fds[SESSION_FD_ACK + SESSION_VARIANTS];
	unsigned n = SESSION_FD_ACK;

	fds[SESSION_FD_CONTROL] = read_only(f->control);
	fds[SESSION_FD_LOG] = leader ? f->log : read_only(f->log);
	fds[SESSION_FD_STATE] = f->state[v];
	fds[SESSION_FD_BELL] = f->bell;
	for (unsigned i = 0; leader && i < f->session->variants; i++) {
		if (i != v)
			fds[n++] = read_only(f->ack[i]);
	}
	if (!leader)
		fds[n++] = f->ack[v];
	for (unsigned i = 0; i < n; i++) {
		if (fds[i] < 0)
			return fds[i];
		if (dup2(fds[i], base + (int)i) < 0)
			return -errno;
	}
	return 0;
}

/* Pages are mapped when looked at: there may be very many streams. */
struct process_state *session_state(const struct session_files *f, unsigned v, uint32_t stream)
{
	return map(f->state[v], state_stream_offset(stream), PAGE);
}

struct ring_producer *session_producer(const struct session_files *f, uint32_t stream)
{
	return map(f->log, log_stream_offset(f->session->ring_size, stream), PAGE);
}

struct ring_consumer *session_consumer(const struct session_files *f, unsigned v, uint32_t stream)
{
	return map(f->ack[v], ack_stream_offset(stream), PAGE);
}

struct stream_control *session_stream(const struct session_files *f, uint32_t stream)
{
	uint64_t at = control_stream_offset(stream);
	uint8_t *page = map(f->control, at & ~(uint64_t)(PAGE - 1), PAGE);

	return page ? (void *)(page + at % PAGE) : NULL;
}

void session_unmap(void *page)
{
	if (page)
		munmap((void *)((uintptr_t)page & ~(uintptr_t)(PAGE - 1)), PAGE);
}

uint32_t session_streams(const struct session_files *f)
{
	uint32_t n = atomic_load(&f->header->next_stream) + 1;

	return n < SESSION_STREAMS ? n : SESSION_STREAMS;
}

void session_interrupt(const struct session_files *f, uint32_t stream)
{
	struct ring_producer *producer = session_producer(f, stream);

	for (unsigned v = 0; producer && v < f->session->variants; v++) {
		struct ring_consumer *c = session_consumer(f, v, stream);

		if (c && v != f->session->leader)
			ring_interrupt(producer, &c, 1);
		session_unmap(c);
	}
	session_unmap(producer);
}
