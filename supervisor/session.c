/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "starter.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8
#endif

#define PAGE 4096

/* transport/ring.h: what the ring needs of its host. */
long tnd_futex(const _Atomic uint32_t *word, int op, uint32_t value, const struct timespec *timeout)
{
	long result = syscall(SYS_futex, word, op, value, timeout, NULL, 0);

	return result < 0 ? -errno : result;
}

/* No end of a ring in this process is one that the engine has to be woken for. */
void tnd_bell(void)
{
}

int64_t tnd_monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static int memory_file(const char *name, uint64_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		fd = memfd_create(name, MFD_CLOEXEC);
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

int session_fill_preload(struct session_files *f, const struct config *c, const char *library)
{
	struct session *s = f->session;
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

static int fill(struct session *s, const struct config *c, unsigned trap)
{
	uint64_t place;

	s->magic = SESSION_MAGIC;
	s->version = SESSION_VERSION;
	s->size = sizeof(*s);
	s->variants = (uint32_t)c->n_variants;
	s->leader = (uint32_t)c->leader;
	s->policy = (uint32_t)c->policy;
	s->ignore_first = (uint32_t)c->ignore_first_n;
	s->compare = c->compare == CONFIG_COMPARE_HASH ? COMPARE_HASH : COMPARE_FULL;
	s->trap = trap;
	s->wait = c->wait == CONFIG_WAIT_SPIN    ? RING_WAIT_SPIN
		  : c->wait == CONFIG_WAIT_BLOCK ? RING_WAIT_BLOCK
						 : RING_WAIT_ADAPTIVE;
	s->ring_size = c->ring_size;
	s->batch = c->replication_batch_size < c->ring_size / 4 ? c->replication_batch_size
								: c->ring_size / 4;
	s->hang_ns = (uint64_t)(c->hang_timeout * 1e9);
	s->inject = (uint32_t)(c->inject_fault_probability * 4294967295.0);
	s->supervisor = getpid();
	for (size_t v = 0; v < c->n_variants; v++)
		s->apart |= !c->variants[v].local;
	if (getrandom(s->random, sizeof(s->random), 0) != sizeof(s->random) ||
	    getrandom(s->hash_secret, sizeof(s->hash_secret), 0) != sizeof(s->hash_secret) ||
	    getrandom(&place, sizeof(place), 0) != sizeof(place))
		return -EIO;
	if (trap == TRAP_SECCOMP)
		s->gate = starter_gate(place);
	return fill_lists(s, c);
}

int session_create(struct session_files *f, const struct config *c, const char *library,
		   unsigned trap)
{
	int error = 0;

	memset(f, 0, sizeof(*f));
	f->control = memory_file("tandem-control", control_stream_offset(SESSION_STREAMS));
	f->log = memory_file("tandem-log", log_stream_offset(c->ring_size, SESSION_STREAMS));
	f->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	f->engine = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (f->bell < 0 || f->engine < 0)
		error = -errno;
	if (f->control < 0 || f->log < 0)
		error = f->control < 0 ? f->control : f->log;
	for (size_t v = 0; !error && v < c->n_variants; v++) {
		f->state[v] = memory_file("tandem-state", state_stream_offset(SESSION_STREAMS));
		f->ack[v] = memory_file("tandem-ack", kin_offset(SESSION_STREAMS));
		if (f->state[v] < 0 || f->ack[v] < 0) {
			error = f->state[v] < 0 ? f->state[v] : f->ack[v];
			break;
		}
		f->variant[v] = map(f->state[v], 0, STATE_HEADER);
		if (!f->variant[v])
			error = -ENOMEM;
	}
	if (error)
		return error;
	f->session = map(f->control, 0, SESSION_CONTROL_HEADER);
	f->header = map(f->log, 0, RING_PAGE);
	if (!f->session || !f->header)
		return -ENOMEM;
	error = fill(f->session, c, trap);
	if (!error)
		error = session_fill_preload(f, c, library);
	if (error)
		return error;
	f->starter = trap == TRAP_SECCOMP ? starter_create(f->session->gate) : f->bell;
	return f->starter < 0 ? f->starter : 0;
}

unsigned session_follower(const struct session_files *f, unsigned v)
{
	uint32_t leader = f->session->leader;

	return v == leader ? 0 : v < leader ? v : v - 1;
}

static int descriptors(const struct session_files *f)
{
	unsigned others = f->session->variants - 1;

	return (int)(SESSION_FD_ACK + (others ? others : 1));
}

int session_place(const struct session_files *f, int limit)
{
	int wanted = descriptors(f), free = 0;

	for (int fd = limit - 1; fd > STDERR_FILENO; fd--) {
		free = fcntl(fd, F_GETFD) < 0 ? free + 1 : 0;
		if (free == wanted)
			return fd;
	}
	return -EMFILE;
}

static int read_only(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* `from` (or why it couldn't be opened) gets the number `to` and survives exec. */
static int place(int from, int to)
{
	if (from < 0)
		return from;
	if (from == to)
		return fcntl(to, F_SETFD, 0) < 0 ? -errno : 0;
	return dup2(from, to) < 0 ? -errno : 0;
}

/* monitor/life.h: what it does for a fork's child, for the first process. */
static int tie(int fd)
{
	if (fcntl(fd, F_SETOWN, getpid()) < 0 || fcntl(fd, F_SETSIG, SIGKILL) < 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC) < 0)
		return -errno;
	return 0;
}

/*
 * Where it is allowed a mount of its own: a descriptor of the visible one would lead a program out
 * of its chroot.
 */
static int open_proc(void)
{
	int fd =
		(int)syscall(SYS_open_tree, AT_FDCWD, "/proc", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0)
		fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int session_hand_over(const struct session_files *f, unsigned v, int base, int life)
{
	bool leader = v == f->session->leader;
	int next = base + SESSION_FD_ACK;
	int error = place(read_only(f->control), base + SESSION_FD_CONTROL);

	if (!error)
		error = place(leader ? f->log : read_only(f->log), base + SESSION_FD_LOG);
	if (!error)
		error = place(f->state[v], base + SESSION_FD_STATE);
	if (!error)
		error = place(f->bell, base + SESSION_FD_BELL);
	if (!error)
		error = place(read_only(life), base + SESSION_FD_LIFE);
	if (!error)
		error = tie(base + SESSION_FD_LIFE);
	if (!error)
		error = place(open_proc(), base + SESSION_FD_PROC);
	if (!error)
		error = place(f->engine, base + SESSION_FD_ENGINE);
	if (!error)
		error = place(f->starter, base + SESSION_FD_STARTER);
	for (unsigned i = 0; leader && !error && i < f->session->variants; i++) {
		if (i != v)
			error = place(read_only(f->ack[i]), next++);
	}
	if (!leader && !error)
		error = place(f->ack[v], next);
	return error;
}

uint32_t session_streams(const struct session_files *f)
{
	uint32_t n = atomic_load(&f->header->next_stream);

	return n < SESSION_STREAMS ? n + 1 : SESSION_STREAMS;
}

int session_pid(const struct session_files *f, unsigned v, uint32_t stream)
{
	uint64_t at = state_stream_offset(stream) + offsetof(struct process_state, pid);
	int32_t pid;

	/* A hole reads as zeroes and stays one; through a mapping it would become a page. */
	return pread(f->state[v], &pid, sizeof(pid), (off_t)at) == sizeof(pid) ? pid : 0;
}

uint32_t session_phase(const struct session_files *f, unsigned v, uint32_t stream)
{
	uint64_t at = state_stream_offset(stream) + offsetof(struct process_state, phase);
	uint32_t phase;

	if (pread(f->state[v], &phase, sizeof(phase), (off_t)at) != sizeof(phase))
		return PHASE_FREE;
	return phase;
}

static int write_state(const struct session_files *f, unsigned v, uint32_t stream, size_t offset,
		       const void *from, size_t bytes)
{
	off_t at = (off_t)(state_stream_offset(stream) + offset);
	ssize_t n = pwrite(f->state[v], from, bytes, at);

	return n == (ssize_t)bytes ? 0 : n < 0 ? -errno : -ENOSPC;
}

int session_write_state(const struct session_files *f, unsigned v, uint32_t stream,
			const void *from)
{
	return write_state(f, v, stream, 0, from, PROCESS_SHARED);
}

int session_write_pid(const struct session_files *f, unsigned v, uint32_t stream, int32_t pid)
{
	return write_state(f, v, stream, offsetof(struct process_state, pid), &pid, sizeof(pid));
}

bool session_halted(const struct session_files *f, unsigned v)
{
	uint32_t halt = 0;

	return pread(f->ack[v], &halt, sizeof(halt), offsetof(struct ack_header, halt)) !=
		       sizeof(halt) ||
	       halt;
}

int session_copy_state(const struct session_files *f, unsigned v, uint32_t stream,
		       struct process_state *to)
{
	ssize_t n = stream < SESSION_STREAMS ? pread(f->state[v], to, sizeof(*to),
						     (off_t)state_stream_offset(stream))
					     : 0;

	return n == sizeof(*to) ? 0 : n < 0 ? -errno : -EINVAL;
}

static void unmap(void *page)
{
	if (page)
		munmap((void *)((uintptr_t)page & ~(uintptr_t)(PAGE - 1)), PAGE);
}

int session_map_stream(const struct session_files *f, uint32_t stream, struct stream_pages *p)
{
	uint64_t at = control_stream_offset(stream);
	uint8_t *control = map(f->control, at & ~(uint64_t)(PAGE - 1), PAGE);
	bool all;

	memset(p, 0, sizeof(*p));
	p->control = control ? (void *)(control + at % PAGE) : NULL;
	p->producer = map(f->log, log_stream_offset(f->session->ring_size, stream), PAGE);
	all = p->control && p->producer;
	for (unsigned v = 0; v < f->session->variants; v++) {
		p->state[v] = map(f->state[v], state_stream_offset(stream), PAGE);
		all &= p->state[v] != NULL;
		if (v == f->session->leader)
			continue;
		p->consumer[v] = map(f->ack[v], ack_stream_offset(stream), PAGE);
		all &= p->consumer[v] != NULL;
	}
	if (all)
		return 0;
	session_unmap_stream(f, p);
	return -ENOMEM;
}

void session_unmap_stream(const struct session_files *f, struct stream_pages *p)
{
	unmap(p->control);
	unmap(p->producer);
	for (unsigned v = 0; v < f->session->variants; v++) {
		unmap(p->state[v]);
		unmap(p->consumer[v]);
	}
	memset(p, 0, sizeof(*p));
}

/* Advice to the system: where it isn't taken, memory is kept until the session ends. */
static void punch(int fd, uint64_t at, uint64_t bytes)
{
	(void)fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)bytes);
}

void session_free_stream(const struct session_files *f, uint32_t stream)
{
	uint64_t ring = f->session->ring_size;

	punch(f->log, log_stream_offset(ring, stream), RING_PAGE + ring);
	for (unsigned v = 0; v < f->session->variants; v++) {
		punch(f->state[v], state_stream_offset(stream), STATE_STREAM_SIZE);
		if (v != f->session->leader)
			punch(f->ack[v], ack_stream_offset(stream), RING_PAGE);
	}
}

void session_interrupt(const struct session_files *f, const struct stream_pages *p)
{
	ring_interrupt(p->producer, NULL, 0);
	for (unsigned v = 0; v < f->session->variants; v++) {
		if (p->consumer[v])
			ring_interrupt(NULL, (struct ring_consumer *const *)&p->consumer[v], 1);
	}
}

int session_read_ring(const struct session_files *f, uint32_t stream, uint64_t position, void *to,
		      size_t bytes)
{
	uint64_t ring = f->session->ring_size, at = position & (ring - 1);
	uint64_t data = log_stream_offset(ring, stream) + RING_PAGE;
	size_t first = bytes < ring - at ? bytes : (size_t)(ring - at);
	ssize_t n = pread(f->log, to, first, (off_t)(data + at));

	if (n >= 0 && (size_t)n == first && bytes > first)
		n += pread(f->log, (uint8_t *)to + first, bytes - first, (off_t)data);
	return n == (ssize_t)bytes ? 0 : n < 0 ? -errno : -EIO;
}
