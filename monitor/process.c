/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "interpose/trap.h"
#include "robust.h"
#include "signals.h"

_Static_assert(sizeof(struct thread) <= THREAD_SIGNAL_STACK, "fits its place in the block");
_Static_assert(offsetof(struct thread, self) == 0 &&
		       offsetof(struct thread, user_stack) == THREAD_USER_STACK &&
		       offsetof(struct thread, stack) == THREAD_STACK &&
		       offsetof(struct thread, pending) == THREAD_PENDING &&
		       offsetof(struct thread, resume) == THREAD_RESUME &&
		       offsetof(struct thread, private) == THREAD_PRIVATE,
	       "as arch/ has it in numbers.h");

#define CHUNK_MOST 65536

static void *map(int which, uint64_t offset, size_t bytes, int protection, void *at)
{
	long p = sys(SYS_mmap, at, bytes, protection, MAP_SHARED | (at ? MAP_FIXED : 0),
		     variant.base + which, offset);

	return call_failed(p) ? NULL : (void *)p;
}

struct process_state *process_state_map(uint32_t stream)
{
	return map(SESSION_FD_STATE, state_stream_offset(stream), STATE_STREAM_SIZE,
		   PROT_READ | PROT_WRITE, NULL);
}

void process_state_unmap(struct process_state *s)
{
	if (s)
		sys(SYS_munmap, s, STATE_STREAM_SIZE);
}

int process_write(int which, uint64_t offset, const void *bytes, size_t n)
{
	uint8_t *page = map(which, offset & ~4095ull, 4096, PROT_READ | PROT_WRITE, NULL);

	if (!page)
		return -ENOMEM;
	memcpy(page + (offset & 4095), bytes, n);
	sys(SYS_munmap, page, 4096);
	return 0;
}

/* The data of a ring, the same memory twice in a row. */
static uint8_t *map_data(uint64_t offset, size_t size, int protection)
{
	long p = sys(SYS_mmap, 0, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		     -1, 0);

	if (call_failed(p))
		return NULL;
	if (!map(SESSION_FD_LOG, offset, size, protection, (void *)p) ||
	    !map(SESSION_FD_LOG, offset, size, protection, (uint8_t *)p + size)) {
		sys(SYS_munmap, p, 2 * size);
		return NULL;
	}
	return (uint8_t *)p;
}

static int map_stream(struct process *p, uint32_t stream)
{
	const struct session *s = p->session;
	int log = p->leader ? PROT_READ | PROT_WRITE : PROT_READ;
	int ack = p->leader ? PROT_READ : PROT_READ | PROT_WRITE;
	uint64_t at = log_stream_offset(s->ring_size, stream);
	uint32_t acks = p->leader ? p->followers : 1;
	uint64_t control = control_stream_offset(stream);

	p->producer_page = map(SESSION_FD_LOG, at, RING_PAGE, log, NULL);
	p->ring_data = map_data(at + RING_PAGE, s->ring_size, log);
	p->state = map(SESSION_FD_STATE, state_stream_offset(stream), STATE_STREAM_SIZE,
		       PROT_READ | PROT_WRITE, NULL);
	p->control_page = map(SESSION_FD_CONTROL, control & ~4095ull, 4096, PROT_READ, NULL);
	if (!p->producer_page || !p->ring_data || !p->state || !p->control_page)
		return -ENOMEM;
	p->control = (void *)((uint8_t *)p->control_page + (control & 4095));
	for (uint32_t i = 0; i < acks; i++) {
		p->consumer_page[i] = map(SESSION_FD_ACK + (int)i, ack_stream_offset(stream),
					  RING_PAGE, ack, NULL);
		if (!p->consumer_page[i])
			return -ENOMEM;
	}
	return 0;
}

static void options(const struct process *p, struct ring_options *o)
{
	const struct session *s = p->session;
	uint32_t n = 0;

	memset(o, 0, sizeof(*o));
	o->wait = (enum ring_wait)s->wait;
	o->halt[n++] = &s->halt;
	if (p->leader) {
		for (uint32_t i = 0; i < p->halts && n < RING_HALTS; i++)
			o->halt[n++] = p->halt[i];
		for (uint32_t i = 0; i < p->followers; i++)
			o->left[i] = &s->left[i < s->leader ? i : i + 1];
	} else {
		o->halt[n++] = &p->control->ended;
	}
	o->reserve_timeout_ns = (int64_t)s->hang_ns;
}

int process_attach(struct process *p, uint32_t stream)
{
	const struct session *s = p->session;
	struct ring_options o;
	int error = map_stream(p, stream);

	if (error < 0)
		return error;
	p->stream = stream;
	memcpy(p->state->program, p->program, sizeof(p->program));
	p->chunk = s->ring_size / 8 < CHUNK_MOST ? (uint32_t)(s->ring_size / 8) : CHUNK_MOST;
	options(p, &o);
	if (p->leader)
		return ring_tx_init(&p->tx, p->producer_page, p->ring_data, s->ring_size,
				    (struct ring_consumer *const *)p->consumer_page, p->followers,
				    &o);
	for (;;) {
		error = ring_rx_init(&p->rx, p->producer_page, p->ring_data, s->ring_size,
				     p->consumer_page[0], &o);
		if (error != -EAGAIN)
			return error;
		if (process_halted(p))
			park();
		/* The leader's side was killed before it came to speak. */
		if (atomic_load(&p->control->ended))
			sys(SYS_kill, sys(SYS_getpid), SIGKILL);
		/* The leader's side of the fork isn't there yet: its magic is what changes. */
		struct timespec nap = {.tv_nsec = 200000};

		sys(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &nap, 0);
	}
}

void process_detach(struct process *p)
{
	sys(SYS_munmap, p->producer_page, RING_PAGE);
	sys(SYS_munmap, p->ring_data, 2 * p->session->ring_size);
	sys(SYS_munmap, p->state, STATE_STREAM_SIZE);
	sys(SYS_munmap, p->control_page, 4096);
	for (uint32_t i = 0; i < (p->leader ? p->followers : 1); i++)
		sys(SYS_munmap, p->consumer_page[i], RING_PAGE);
}

void process_end_killed(struct thread *t, int status)
{
	robust_end(t, true);
	atomic_store(&t->process->state->phase, PHASE_EXITED);
	if ((status & 0x7f) == 0)
		sys(SYS_exit_group, (status >> 8) & 0xff);
	signals_die(SIGKILL);
}

void process_add_child(struct process *p, int32_t vpid, int32_t pid)
{
	size_t bytes = p->children_capacity * sizeof(struct child);

	if (memory_grow((void **)&p->children, &bytes,
			(p->children_count + 1) * sizeof(struct child)))
		stop_internal("no memory for the table of children", -ENOMEM);
	p->children_capacity = (uint32_t)(bytes / sizeof(struct child));
	p->children[p->children_count++] = (struct child){vpid, pid};
}

int32_t process_child(const struct process *p, int32_t vpid)
{
	for (uint32_t i = 0; i < p->children_count; i++) {
		if (p->children[i].vpid == vpid)
			return p->children[i].pid;
	}
	return -1;
}

void process_tell_kin(const struct process *p, uint32_t parent)
{
	struct kin kin = {.vpid = p->vpid, .pid = p->pid, .parent = parent};

	if (process_write(SESSION_FD_ACK, kin_offset(p->stream), &kin, sizeof(kin)))
		stop_internal("no memory to tell who a process is", -ENOMEM);
	atomic_fetch_add(&variant.ack->born, 1);
	sys(SYS_futex, &variant.ack->born, FUTEX_WAKE, INT32_MAX);
}

static bool read_kin(uint32_t stream, struct kin *kin)
{
	return sys(SYS_pread64, variant.base + SESSION_FD_ACK, kin, sizeof(*kin),
		   kin_offset(stream)) == sizeof(*kin);
}

#define KIN_BATCH 128

/* Numbers are used again, so the latest. */
static bool find_kin(int32_t vpid, struct kin *kin)
{
	struct kin some[KIN_BATCH];
	struct log_header log;
	uint32_t end;

	if (sys(SYS_pread64, variant.base + SESSION_FD_LOG, &log, sizeof(log), 0) != sizeof(log) ||
	    log.next_stream >= SESSION_STREAMS)
		return false;
	for (end = log.next_stream + 1; end > 1;) {
		uint32_t n = end < KIN_BATCH ? end : KIN_BATCH;

		if (sys(SYS_pread64, variant.base + SESSION_FD_ACK, some, n * sizeof(*some),
			kin_offset(end - n)) != (long)(n * sizeof(*some)))
			return false;
		for (; n; n--, end--) {
			if (some[n - 1].vpid == vpid) {
				*kin = some[n - 1];
				return true;
			}
		}
	}
	return false;
}

static const struct timespec look_up = {.tv_nsec = 100000000}; /* for the session's end */

static void wait_end(const struct process *p, int32_t pid)
{
	long fd = sys(SYS_pidfd_open, pid, 0);
	struct pollfd ended = {.fd = (int)fd, .events = POLLIN};

	while (fd >= 0 && sys(SYS_ppoll, &ended, 1, &look_up, 0) <= 0) {
		if (process_halted(p))
			park();
	}
	if (fd >= 0)
		sys(SYS_close, fd);
}

int32_t process_adopted(const struct process *p, int32_t vpid)
{
	struct kin kin, parent;

	for (;;) {
		uint32_t born = atomic_load(&variant.ack->born);

		if (find_kin(vpid, &kin))
			break;
		if (process_halted(p))
			park();
		sys(SYS_futex, &variant.ack->born, FUTEX_WAIT, born, &look_up);
	}
	if (!read_kin(kin.parent, &parent))
		return -1;
	if (parent.pid != p->pid)
		wait_end(p, parent.pid);
	return kin.pid;
}

void process_remove_child(struct process *p, int32_t vpid)
{
	for (uint32_t i = 0; i < p->children_count; i++) {
		if (p->children[i].vpid == vpid) {
			p->children[i] = p->children[--p->children_count];
			return;
		}
	}
}

static void thread_prepare(struct thread *t, struct process *p)
{
	t->self = t;
	t->process = p;
	t->stack = (uint64_t)t + THREAD_BLOCK - THREAD_STACK_ROOM;
	t->buffer = memory_map(BUFFER_BYTES);
	t->scratch = memory_map(SCRATCH_BYTES);
	t->buffer_size = t->buffer ? BUFFER_BYTES : 0;
	t->scratch_size = t->scratch ? SCRATCH_BYTES : 0;
	t->altstack.ss_flags = SS_DISABLE;
}

/* A retired block whose kernel thread is gone. thread_lock is held. */
static struct thread *reuse(struct process *p)
{
	for (struct thread **at = &p->free_threads; *at; at = &(*at)->next) {
		struct thread *t = *at;

		if (sys(SYS_tgkill, p->pid, t->tid, 0) != -ESRCH)
			continue;
		*at = t->next;
		memory_unmap(t->buffer, t->buffer_size);
		memory_unmap(t->scratch, t->scratch_size);
		if (t->parts)
			memory_unmap(t->parts, t->parts_capacity);
		memset(t, 0, sizeof(*t));
		return t;
	}
	return NULL;
}

struct thread *thread_new(struct process *p)
{
	struct thread *t;

	lock_acquire(&p->thread_lock);
	t = reuse(p);
	lock_release(&p->thread_lock);
	if (!t)
		t = memory_map(THREAD_BLOCK);
	if (!t)
		return NULL;
	thread_prepare(t, p);
	if (!t->buffer || !t->scratch) {
		thread_free(t);
		return NULL;
	}
	return t;
}

void thread_free(struct thread *t)
{
	if (t->environment)
		memory_unmap(t->environment, t->environment_bytes);
	if (t->buffer)
		memory_unmap(t->buffer, t->buffer_size);
	if (t->scratch)
		memory_unmap(t->scratch, t->scratch_size);
	if (t->parts)
		memory_unmap(t->parts, t->parts_capacity);
	memory_unmap(t, THREAD_BLOCK);
}

void thread_adopt(struct thread *t)
{
	if (thread_register_set(t) < 0)
		stop_internal("a thread's register for the monitor can't be set", 0);
	t->tid = (int32_t)sys(SYS_gettid);
	if (trap_thread() < 0)
		stop_internal("the trap can't be switched on in a thread", 0);
	signals_thread_init(t);
}

void thread_retire(struct thread *t)
{
	struct process *p = t->process;

	lock_acquire(&p->thread_lock);
	t->next = p->free_threads;
	p->free_threads = t;
	lock_release(&p->thread_lock);
}
