/* SPDX-License-Identifier: MIT */
#include "segment.h"

#include <sys/syscall.h>

#include "process.h"

/*
 * As long as the leader waits for the end of a segment. Most are over within a microsecond; what
 * has used the processor for longer is busy with something else. Its thread may also have lost the
 * processor, for which it isn't blamed so soon.
 */
#define LOOK_NS 500000
#define BUSY_NS 10000000
#define PATIENCE_NS 1000000000
#define SPINS 64 /* between two looks at the clock, or two turns given away */

void segment_first(struct thread *t)
{
	atomic_store(&t->segment, SEGMENT_RUNS);
	atomic_store(&t->left, false);
	atomic_store(&t->stands, false);
	atomic_store(&t->process->running, 1);
	atomic_store(&t->process->unsaid, 0);
	atomic_store(&t->process->uneven, false);
}

void segment_end(struct thread *t)
{
	struct process *p = t->process;

	if (p->alone)
		return;
	if (atomic_exchange(&t->segment, SEGMENT_OVER) == SEGMENT_RUNS)
		atomic_fetch_sub(&p->running, 1);
}

static void begin(struct thread *t)
{
	if (t->apart) {
		atomic_store(&t->segment, SEGMENT_LEFT);
		return;
	}
	atomic_fetch_add(&t->process->running, 1);
	t->segment_looked = 0;
	atomic_store(&t->segment, SEGMENT_RUNS);
}

static int64_t processor_time(const struct thread *t)
{
	struct timespec used = {0};

	/* The kernel's name for a thread's clock (include/linux/posix-timers.h, CPUCLOCK_SCHED). */
	sys(SYS_clock_gettime, (int)(~(uint32_t)t->tid << 3 | 6), &used);
	return used.tv_sec * 1000000000ll + used.tv_nsec;
}

static bool busy(struct thread *t)
{
	int64_t now = processor_time(t);

	if (!t->segment_looked || atomic_load(&t->trapped))
		t->segment_looked = now;
	return now - t->segment_looked > BUSY_NS;
}

static void leave_out(struct thread *t)
{
	uint32_t runs = SEGMENT_RUNS;

	if (atomic_compare_exchange_strong(&t->segment, &runs, SEGMENT_LEFT))
		atomic_fetch_sub(&t->process->running, 1);
}

/*
 * That something is to be said is noted first, then what: whoever finds that no segment runs finds
 * both, and says it. The thread itself may do this while another does.
 */
void segment_leave_out(struct thread *t)
{
	struct process *p = t->process;

	if (p->alone || atomic_load(&t->segment) != SEGMENT_RUNS)
		return;
	if (p->leader) {
		atomic_fetch_add(&p->unsaid, 1);
		if (atomic_exchange(&t->left, true))
			atomic_fetch_sub(&p->unsaid, 1);
	}
	leave_out(t);
}

bool segment_unsaid(struct thread *t)
{
	if (!atomic_exchange(&t->left, false))
		return false;
	atomic_fetch_sub(&t->process->unsaid, 1);
	return atomic_load(&t->segment) == SEGMENT_LEFT;
}

/* Noted first, for a segment that begins right now without a record (segment_resume). */
void segment_left(struct process *p, uint32_t tag, bool stands)
{
	lock_acquire(&p->thread_lock);
	for (struct thread *t = p->threads; t; t = t->next) {
		if (t->tag != tag)
			continue;
		if (stands) {
			atomic_store(&t->stands, true);
			continue;
		}
		atomic_store(&t->left, true);
		atomic_store(&p->uneven, true);
		leave_out(t);
	}
	lock_release(&p->thread_lock);
}

bool segment_yield(struct thread *t)
{
	struct process *p = t->process;

	if (!atomic_load(&p->awaited))
		return false;
	atomic_fetch_add(&p->unsaid, 1);
	atomic_store(&t->stands, true);
	segment_end(t);
	return true;
}

bool segment_stands(struct thread *t)
{
	if (!atomic_exchange(&t->stands, false))
		return false;
	atomic_fetch_sub(&t->process->unsaid, 1);
	return true;
}

/* The order lock is held, so no segment begins meanwhile; they only end. */
static void leave_out_long(struct process *p, bool all)
{
	lock_acquire(&p->thread_lock);
	for (struct thread *t = p->threads; t; t = t->next) {
		if (atomic_load(&t->segment) == SEGMENT_RUNS && (all || busy(t)))
			segment_leave_out(t);
	}
	lock_release(&p->thread_lock);
}

unsigned segment_begin_leader(struct thread *t)
{
	struct process *p = t->process;
	int64_t start = 0, looked = 0;

	if (p->alone)
		return 0;
	while (atomic_load(&p->running)) {
		int64_t now;

		atomic_store(&p->awaited, true);
		for (int i = 0; i < SPINS && atomic_load(&p->running); i++)
			cpu_relax();
		sys(SYS_sched_yield);
		now = tnd_monotonic();
		if (!start)
			start = looked = now;
		if (now - looked < LOOK_NS)
			continue;
		leave_out_long(p, now - start > PATIENCE_NS);
		looked = now;
	}
	if (unlikely(start))
		atomic_store(&p->awaited, false);
	begin(t);
	return RECORD_QUIET;
}

void segment_begin_follower(struct thread *t, unsigned flags)
{
	struct process *p = t->process;

	if (p->alone)
		return;
	for (unsigned i = 1; (flags & RECORD_QUIET) && atomic_load(&p->running); i++) {
		atomic_store(&p->awaited, true);
		cpu_relax();
		if (i % SPINS)
			continue;
		if (process_halted(p))
			park();
		sys(SYS_sched_yield);
	}
	atomic_store(&p->awaited, false);
	atomic_store(&t->left, false);
	if (flags & RECORD_QUIET)
		atomic_store(&t->stands, false);
	begin(t);
}

void segment_resume(struct thread *t)
{
	struct process *p = t->process;

	if (p->alone)
		return;
	if (p->leader)
		lock_acquire(&p->order);
	begin(t);
	if (p->leader)
		lock_release(&p->order);
	else if (atomic_load(&t->left))
		leave_out(t);
}
