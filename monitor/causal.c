/* SPDX-License-Identifier: MIT */
#include "causal.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>

#include "fd.h"
#include "process.h"

#define SPINS 300

/* Does what happens to this descriptor reach a process of the same variant? */
static bool local(const struct process *p, int fd)
{
	const struct fd_entry *e = fd_get(p, fd);

	return e && e->kind != FD_EPOLL && e->kind != FD_TIMER && e->kind != FD_SIGNAL &&
	       e->kind != FD_INOTIFY && !e->inet;
}

bool causal_releases(const struct call *c)
{
	if (c->lockstep)
		return true;
	switch (c->call) {
	case CALL_splice:
	case CALL_tee:
	case CALL_copy_file_range:
	case CALL_close_range:
		return true;
	case CALL_close:
		return local(c->process, (int)c->args[0]);
	case CALL_dup3:
		return local(c->process, (int)c->args[1]);
	case CALL_fcntl:
		return c->row->flags & CALL_BLOCKS; /* locks */
	}
	switch (c->level) {
	case LEVEL_FD_RW:
	case LEVEL_SOCKET_RW:
	case LEVEL_NONSOCKET_RW:
		return c->row->arg[0].type != ARG_FD || local(c->process, (int)c->args[0]);
	default:
		return false;
	}
}

#define TOO_LONG_NS 1000000

struct release causal_begin(struct process *p)
{
	struct log_header *log = variant.log;
	uint32_t owner, known = 0, own = p->stream + 1;
	int64_t since = 0;
	struct release r;

	for (unsigned i = 0;; i++) {
		owner = 0;
		if (atomic_compare_exchange_strong(&log->clock_owner, &owner, own))
			break;
		if (i < SPINS) {
			cpu_relax();
			continue;
		}
		if (process_halted(p))
			park();
		if (owner != known) {
			known = owner;
			since = tnd_monotonic();
		} else if (tnd_monotonic() - since > TOO_LONG_NS &&
			   atomic_compare_exchange_strong(&log->clock_owner, &owner, own)) {
			break;
		}
		sys(SYS_sched_yield);
	}
	r.from = atomic_load(&log->clock) + 1;
	r.number = atomic_fetch_add(&log->numbers, 1) + 1;
	return r;
}

bool causal_end(struct process *p, struct release r)
{
	struct log_header *log = variant.log;
	uint64_t clock = atomic_load(&log->clock);
	uint32_t own = p->stream + 1;

	while (clock < r.number && !atomic_compare_exchange_weak(&log->clock, &clock, r.number))
		;
	p->seen = r.number;
	return atomic_compare_exchange_strong(&log->clock_owner, &own, 0);
}

static const struct timespec look_up = {.tv_nsec = 100000000}; /* for the session's end */

static void await(struct process *p, uint64_t number)
{
	struct ack_header *ack = variant.ack;
	uint64_t reached;

	for (unsigned i = 0; (int64_t)(atomic_load(&ack->reached) - number) < 0; i++) {
		if (i < SPINS) {
			cpu_relax();
			continue;
		}
		atomic_fetch_add(&ack->reach_waiters, 1);
		reached = atomic_load(&ack->reached);
		/* The low half is the futex word. */
		if ((int64_t)(reached - number) < 0)
			sys(SYS_futex, &ack->reached, FUTEX_WAIT, (uint32_t)reached, &look_up);
		atomic_fetch_sub(&ack->reach_waiters, 1);
		if (process_halted(p))
			park();
	}
}

void causal_follow(struct process *p, const struct record *header)
{
	uint64_t number = (uint64_t)header->result;
	struct ack_header *ack = variant.ack;
	uint64_t reached;

	if (!(header->flags & RECORD_RELEASES)) {
		await(p, number);
		return;
	}
	if (header->extra - 1 >= number)
		stop_garbage(thread_self(), "the numbers of a release are in disorder");
	await(p, header->extra - 1);
	reached = atomic_load(&ack->reached);
	while ((int64_t)(reached - number) < 0 &&
	       !atomic_compare_exchange_weak(&ack->reached, &reached, number))
		;
	if (atomic_load(&ack->reach_waiters))
		sys(SYS_futex, &ack->reached, FUTEX_WAKE, INT32_MAX);
}
