/* SPDX-License-Identifier: MIT */
/*
 * fork, vfork, clone, clone3: every variant makes its own child. The leader
 * decides the number of its stream (process) or its tag (thread) and says so in
 * the record of the call. Pids that the program sees are the leader's.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>

#include "../execute.h"
#include "../fd.h"
#include "../interpose/patch.h"
#include "../interpose/trap.h"
#include "../life.h"
#include "../process.h"
#include "../robust.h"
#include "../segment.h"
#include "../signals.h"
#include "../supervisor.h"
#include "../tick.h"
#include "../turns.h"
#include "hooks.h"

struct clone_request {
	uint64_t flags; /* with the exit signal */
	uint64_t stack; /* top; 0: the caller's */
	uint64_t parent_tid, child_tid, tls;
	bool thread; /* CLONE_THREAD */
	bool shares; /* CLONE_VM without CLONE_THREAD: vfork, posix_spawn */
	bool waits;  /* CLONE_VFORK: the caller goes on when the child has another memory */
};

/* What a child that shares memory needs to start; on its own monitor stack. */
struct start {
	struct thread *thread;
	struct regs regs;
	uint32_t stream; /* of a process */
	uint64_t flags;
	bool process;
	int32_t vpid;
};

/* clone3's structure becomes clone's arguments; what clone can't say is refused as old kernels do.
 */
static bool from_clone3(struct call *c)
{
	struct {
		uint64_t flags, pidfd, child_tid, parent_tid, exit_signal;
		uint64_t stack, stack_size, tls;
		uint64_t set_tid, set_tid_size, cgroup;
	} a = {0};
	size_t bytes = c->args[1] < sizeof(a) ? c->args[1] : sizeof(a);

	if (bytes < 64 || user_read(&a, (void *)c->args[0], bytes) < 0)
		return false;
	if (a.set_tid_size || (a.flags >> 32) || (a.exit_signal & ~0xffull) ||
	    ((a.flags & CLONE_PIDFD) && (a.flags & CLONE_PARENT_SETTID)))
		return false;
	c->args[0] = a.flags | a.exit_signal;
	c->args[1] = a.stack ? a.stack + a.stack_size : 0;
	c->args[2] = a.flags & CLONE_PIDFD ? a.pidfd : a.parent_tid;
	c->args[3] = a.child_tid;
	c->args[4] = a.tls;
	c->row = &call_table[CALL_clone];
	c->call = CALL_clone;
	return true;
}

static void announce(struct process *p)
{
	struct process_state *s = p->state;

	s->pid = p->pid;
	s->vpid = p->vpid;
	atomic_store_explicit(&s->phase, PHASE_RUNNING, memory_order_release);
	supervisor_ring();
}

/* Whatever the kernel has not: that there is none, or one with a descriptor (CLONE_PIDFD). */
static void introduce(struct process_state *made, int32_t pid)
{
	if (made) /* without memory for it, as before its first word */
		atomic_store(&made->pid, pid);
}

#define WORD_SPINS 1000

/*
 * Leader, in a child: its twins are made when the record of its making is out in its parent's
 * stream, which is still mapped. If the parent was killed before that, the supervisor says it
 * (supervisor/unsaid.h).
 */
static void await_word(const struct process *p, uint32_t stream)
{
	const struct timespec nap = {.tv_nsec = 200000};

	for (unsigned i = 0; atomic_load(&p->state->making) == stream; i++) {
		if (i < WORD_SPINS) {
			cpu_relax();
			continue;
		}
		if (process_halted(p))
			park();
		if (sys(SYS_kill, p->session->supervisor, 0) == -ESRCH)
			sys(SYS_exit_group, 113); /* our life isn't tied to it yet */
		sys(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &nap, 0);
	}
}

/* In the child: a process of its own, with the next stream. */
static void become(struct process *p, struct thread *t, uint32_t stream, int32_t vpid,
		   uint64_t flags)
{
	uint32_t parent = p->stream;
	int error;

	if (!(flags & CLONE_FILES)) /* else its descriptors are its parent's */
		life_tie();

	p->pid = t->tid = (int32_t)sys(SYS_getpid);
	p->vpid = p->leader ? p->pid : vpid;
	p->threads = t;
	p->alone = true;
	p->order = p->thread_lock = p->fds.lock = 0;
	turn_init(p);
	p->next_tag = 1;
	p->clocked = t->clocks = t->clocks_taken = 0;
	p->children_count = 0;
	fd_share_all(p);
	p->shares |= p->maps;
	t->next = NULL;
	t->tag = 0;
	t->vtid = p->vpid;
	tick_forget(t);
	if (p->leader) /* it may have caught something by now */
		signals_set_mask(t, t->mask);
	t->parts_size = 0;
	p->stream = stream;
	if (!p->leader) /* who adopts it may look for it, even if it dies at once */
		process_tell_kin(p, parent);
	error = process_attach(p, stream);
	if (error < 0)
		stop_internal("a new process can't map its stream", error);
	p->state->parent = parent;
	announce(p);
}

/* The first segment of a thread has its place in the order, too. */
static void start_thread(struct thread *t)
{
	struct record header;

	atomic_fetch_add(&t->process->state->threads, 1);
	if (!t->process->leader)
		tick_on(t);
	if (t->process->leader)
		leader_note(t, RECORD_SYNC, 0, 0, NULL, 0, false);
	else
		follower_note(t, RECORD_SYNC, &header, NULL, 0,
			      "a thread starts where the leader's does something else");
}

static void child_main(struct start *s)
{
	struct thread *t = s->thread;
	struct regs regs = s->regs;

	thread_adopt(t);
	if (s->process && t->process->leader)
		await_word(t->process, s->stream);
	if (s->process)
		become(t->process, t, s->stream, s->vpid, s->flags);
	else
		start_thread(t);
	regs_resume(&regs);
}

/* Prepares the block of a child that shares memory; its first stack words are for gate_clone. */
static struct start *prepare(struct call *c, const struct clone_request *q)
{
	struct process *p = c->process, *own = p;
	struct thread *t;
	struct start *s;

	if (q->shares) {
		own = memory_map(sizeof(*own));
		if (!own)
			return NULL;
		*own = *p;
		own->order = own->thread_lock = 0;
		turn_init(own);
		own->children = NULL;
		own->children_count = own->children_capacity = 0;
		own->free_threads = NULL;
		own->crowded |= !p->alone || !q->waits;
		p->crowded |= !q->waits;
		if (fd_copy(&own->fds, p) < 0) {
			memory_unmap(own, sizeof(*own));
			return NULL;
		}
	}
	t = thread_new(own);
	if (!t) {
		if (own != p)
			memory_unmap(own, sizeof(*own));
		return NULL;
	}
	t->mask = c->thread->mask;
	t->apart = q->thread && c->thread->starts_apart;
	if (q->waits)
		t->altstack = c->thread->altstack;
	s = (void *)((t->stack - sizeof(*s) - 64) & ~63ull);
	s->thread = t;
	s->regs = *c->regs;
	regs_set_result(&s->regs, 0);
	if (q->stack)
		regs_set_stack(&s->regs, q->stack);
	s->process = q->shares;
	t->here = 1;
	s->flags = q->flags;
	return s;
}

static void discard(struct thread *child, struct process *parent, bool ran)
{
	struct process *own = child->process;

	if (own != parent) {
		if (ran)
			process_detach(own);
		fd_drop(own);
		if (own->children)
			memory_unmap(own->children, own->children_capacity * sizeof(struct child));
		memory_unmap(own, sizeof(*own));
	}
	thread_free(child);
}

/*
 * CLONE_VFORK's wait, which is ours: the record of the call must be out before the child runs
 * on, or its twin would not be there for the child's own records. As in the kernel, only death
 * ends it.
 */
static void wait_gone(const struct clone_request *q, struct thread *child)
{
	uint32_t zero = 0, here;

	while ((here = atomic_load(&child->here)))
		sys(SYS_futex, &child->here, FUTEX_WAIT, here, 0);
	if ((q->flags & CLONE_CHILD_CLEARTID) &&
	    user_write((void *)q->child_tid, &zero, sizeof(zero)) == 0)
		sys(SYS_futex, q->child_tid, FUTEX_WAKE, 1);
}

/*
 * The system call itself. In a fork's child it returns 0; a child that shares memory goes
 * its own way. A follower's kernel must not write its own pids into the program's memory.
 * The kernel writes a new process's pid to its state page before it runs and before the parent can
 * be killed: who sees the parent dead knows by it whether there is a child.
 */
static long clone_own(struct call *c, const struct clone_request *q, struct start *s,
		      struct process_state *made)
{
	uint64_t flags = q->flags, parent_tid = q->parent_tid, child_tid = q->child_tid;
	uint64_t *top;

	if (!c->process->leader)
		flags &= ~(uint64_t)(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_PIDFD);
	if (!q->thread && !(flags & CLONE_PIDFD)) {
		flags &= ~(uint64_t)CLONE_PARENT_SETTID;
		flags |= made ? CLONE_PARENT_SETTID : 0;
		parent_tid = (uint64_t)&made->pid;
	}
	if (q->shares) {
		flags &= ~(uint64_t)(CLONE_VFORK | CLONE_CHILD_SETTID);
		flags |= CLONE_CHILD_CLEARTID;
		child_tid = (uint64_t)&s->thread->here;
	}
	/* No signal may come between a look at those that wait and the call: see leader_clone(). */
	if (!s && c->process->leader)
		return gate_pass(
			gate.wait, SYS_clone, (long)flags, 0,
			CLONE_ARGUMENTS((long)parent_tid, (long)q->child_tid, (long)q->tls), 0);
	if (!s)
		return sys(SYS_clone, flags, 0, CLONE_ARGUMENTS(parent_tid, q->child_tid, q->tls));
	top = (uint64_t *)s - 2;
	top[0] = (uint64_t)child_main;
	top[1] = (uint64_t)s;
	return gate.clone(flags, top, (void *)parent_tid, (void *)child_tid, q->tls);
}

static void set_tid(uint64_t address, int32_t tid)
{
	if (address)
		user_write((void *)address, &tid, sizeof(tid));
}

/*
 * A child with a copy of this memory must not get half a patch, or a lock that nobody opens. One
 * that shares it sees the lock opened, and may need it before its creator can.
 */
static void hold_memory(const struct start *s)
{
	if (s)
		return;
	patch_hold();
	pool_hold();
}

static void release_memory(const struct start *s)
{
	if (s)
		return;
	pool_release();
	patch_release();
}

static void add_thread(struct process *p, struct start *s, uint32_t tag, int32_t vtid)
{
	s->thread->tag = tag;
	s->thread->vtid = vtid;
	s->thread->next = p->threads;
	p->threads = s->thread;
}

static void leader_clone(struct call *c, const struct clone_request *q, struct start *s)
{
	struct process *p = c->process;
	struct record_child *child = (void *)c->extra;
	struct process_state *made = NULL;
	uint64_t mask = 0, sent = c->thread->sent;

	c->extra_bytes = sizeof(*child);
	child->id = 0;
	child->pidfd = -1;
	/*
	 * As in the kernel: what was sent to a group before the child was there must reach it, so
	 * the handler runs first. A fork's child can catch signals from its first instruction on.
	 */
	if (s)
		mask = signals_hold(c->thread);
	if (q->shares && c->lockstep && signals_wait(c->thread)) {
		c->result = -EINTR;
		c->restart = true;
		signals_unblock(mask);
		return;
	}
	child->id = q->thread ? p->next_tag : atomic_fetch_add(&variant.log->next_stream, 1) + 1;
	if (unlikely(!q->thread && child->id >= SESSION_STREAMS))
		stop_internal("this session has no number left for another process", -ENOSPC);
	if (q->thread) {
		add_thread(p, s, child->id, 0);
	} else {
		made = process_state_map(child->id);
		if (made && c->lockstep && !(q->flags & CLONE_PIDFD)) {
			p->state->making_at = p->tx.head;
			p->state->making_thread = c->thread->tag;
			atomic_store(&p->state->making, child->id);
		}
		if (s)
			s->stream = child->id;
	}
	hold_memory(s);
	c->result = clone_own(c, q, s, made);
	release_memory(s);
	if (q->shares && (q->flags & CLONE_CHILD_SETTID) && c->result > 0)
		set_tid(q->child_tid, (int32_t)c->result);
	if (c->result == 0) {
		c->thread->sent &= ~sent;
		process_state_unmap(made);
		await_word(p, child->id);
		process_detach(p);
		become(p, c->thread, child->id, 0, q->flags);
		trap_thread();
		return;
	}
	if (call_failed(c->result)) {
		if (q->thread)
			p->threads = s->thread->next;
		else
			introduce(made, PROCESS_NEVER);
	} else if (q->thread) {
		s->thread->vtid = (int32_t)c->result;
		p->next_tag++;
	} else {
		introduce(made, (int32_t)c->result);
		if (q->flags & CLONE_PIDFD)
			user_read(&child->pidfd, (void *)q->parent_tid, sizeof(child->pidfd));
		else if (q->flags & CLONE_PARENT_SETTID)
			set_tid(q->parent_tid, (int32_t)c->result);
	}
	process_state_unmap(made);
	if (s)
		signals_unblock(mask);
	else
		c->restart = c->result == -EINTR;
}

static void follower_clone(struct call *c, const struct clone_request *q, struct start *s)
{
	struct process *p = c->process;
	const struct record_child *child = (void *)c->extra;
	struct process_state *made = q->thread ? NULL : process_state_map(child->id);
	int32_t vpid = (int32_t)c->result;
	uint64_t mask = signals_block();
	long own;

	if (q->flags & CLONE_PARENT_SETTID)
		set_tid(q->parent_tid, vpid);
	if (q->flags & CLONE_PIDFD)
		set_tid(q->parent_tid, child->pidfd);
	if (s && (q->flags & CLONE_CHILD_SETTID))
		set_tid(q->child_tid, vpid);
	if (q->thread) {
		add_thread(p, s, child->id, vpid);
		p->next_tag = child->id + 1;
	} else if (s) {
		s->stream = child->id;
		s->vpid = vpid;
	}
	hold_memory(s);
	own = clone_own(c, q, s, made);
	release_memory(s);
	process_state_unmap(made);
	if (own == 0) {
		process_detach(p);
		become(p, c->thread, child->id, vpid, q->flags);
		if (q->flags & CLONE_CHILD_SETTID)
			set_tid(q->child_tid, vpid);
		trap_thread();
		signals_unblock(mask);
		c->result = 0;
		return;
	}
	if (call_failed(own))
		diverge(c->thread, DIVERGENCE_RESULT, c, c->record,
			"this variant can't make a child or thread as the leader did");
	if (!q->thread)
		process_add_child(p, vpid, (int32_t)own);
	signals_unblock(mask);
}

void hook_clone(struct call *c)
{
	struct process *p = c->process;
	struct clone_request q;
	struct start *s = NULL;
	struct thread *child = NULL;
	uint32_t stream = p->stream;
	bool made;

	if (c->call == CALL_clone3 && !from_clone3(c)) {
		c->result = -ENOSYS;
		return;
	}
	if (c->number == call_number(&call_table[CALL_clone]))
		clone_arguments(c->args);
	q = (struct clone_request){.flags = c->args[0],
				   .stack = c->args[1],
				   .parent_tid = c->args[2],
				   .child_tid = c->args[3],
				   .tls = c->args[4]};
	q.thread = q.flags & CLONE_THREAD;
	q.shares = (q.flags & CLONE_VM) && !q.thread;
	q.waits = q.shares && (q.flags & CLONE_VFORK);
	if (q.flags & (CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
		       CLONE_NEWUTS | CLONE_NEWCGROUP))
		call_unsupported(c, "new namespaces");
	if (!q.thread && (q.flags & (CLONE_FILES | CLONE_SIGHAND)))
		call_unsupported(c, "processes that share descriptors or signal handlers");
	/* From here on the stream has more than one writer. */
	if (q.thread && p->alone) {
		p->alone = false;
		call_threads();
		segment_first(c->thread);
	}
	if (q.thread || q.shares) {
		s = prepare(c, &q);
		if (!s)
			stop_internal("no memory for a new thread", -ENOMEM);
		child = s->thread; /* s lies on its stack */
	}
	c->hold = true;
	call_enter(c);
	if (p->leader) {
		leader_clone(c, &q, s);
		if (p->stream != stream)
			return; /* the child of a fork: nothing of the parent's call is its own */
		call_leave(c);
	} else {
		c->extra_bytes = sizeof(struct record_child);
		call_leave(c);
		if (!call_failed(c->result) && !c->restart) {
			follower_clone(c, &q, s);
			if (p->stream != stream) {
				c->signalled = false;
				return;
			}
		}
	}
	made = !call_failed(c->result) && !c->restart;
	if (made && !q.thread) {
		fd_share_all(p);
		p->shares |= p->maps;
	}
	if (made && (q.flags & CLONE_PIDFD))
		fd_set_kind(p, ((struct record_child *)c->extra)->pidfd, FD_PIDFD);
	call_finish(c);
	if (made && q.waits)
		wait_gone(&q, child);
	if (s && (!made || q.waits))
		discard(child, p, made);
}

/*
 * The end of a thread or process. Lockstep, so that nothing a variant did before it stays
 * unchecked; there is no result to wait for.
 */
void hook_exit(struct call *c)
{
	struct process *p = c->process;
	struct thread *t = c->thread;
	bool last = c->call == CALL_exit_group || p->alone;

	c->lockstep = true;
	/* Nothing comes behind the end of the process: followers wouldn't read it. */
	c->hold = last;
	call_enter(c);
	call_finish(c);
	segment_end(t);
	turn_leave(p);
	robust_end(t, last);
	if (last) {
		p->state->exit_status = ((int)c->args[0] & 0xff) << 8;
		atomic_store(&p->state->phase, PHASE_EXITED);
		supervisor_ring();
		sys(SYS_exit_group, c->args[0]);
	}
	signals_block();
	signals_give_back(t);
	tick_end(t);
	atomic_fetch_sub(&p->state->threads, 1);
	lock_acquire(&p->thread_lock);
	for (struct thread **at = &p->threads; *at; at = &(*at)->next) {
		if (*at == t) {
			*at = t->next;
			break;
		}
	}
	lock_release(&p->thread_lock);
	if (p->leader)
		segment_unsaid(t);
	thread_retire(t);
	sys(SYS_exit, c->args[0]);
}

/* The leader's child has ended: so must ours, in the same way. */
static void reap(struct call *c, int32_t vpid, int status)
{
	struct process *p = c->process;
	int32_t pid = process_child(p, vpid);
	int own = 0;
	long n;

	if (pid < 0)
		pid = process_adopted(p, vpid);
	if (pid < 0)
		diverge(c->thread, DIVERGENCE_EXIT, c, c->record,
			"the leader's child isn't a child here");
	n = sys(SYS_wait4, pid, &own, 0x40000000 /* __WALL */, 0);
	process_remove_child(p, vpid);
	/*
	 * A child that was killed from outside is ended here by the supervisor's word. One of ours
	 * that was killed on its way out had said its last word: nothing is missing.
	 */
	if (n == pid && (status & 0x7f) == 0 && own != status && own != SIGKILL)
		diverge(c->thread, DIVERGENCE_EXIT, c, c->record,
			"a child ended with another status than the leader's");
}

#define STATUS_ENDED(status) (((status)&0xff) != 0x7f && (status) != 0xffff)

#define STATUS_SIGNALLED(status) (((status)&0x7f) != 0 && ((status)&0x7f) != 0x7f)

static int status_of(const siginfo_t *info)
{
	switch (info->si_code) {
	case CLD_EXITED:
		return (info->si_status & 0xff) << 8;
	case CLD_KILLED:
	case CLD_DUMPED:
		return info->si_status & 0x7f;
	default:
		return 0x7f;
	}
}

#define WNOWAIT_FLAG 0x01000000

void hook_wait(struct call *c)
{
	bool id = c->call == CALL_waitid;
	int status = 0;
	siginfo_t info = {0};
	int32_t *extra = (int32_t *)c->extra; /* pid, status */

	call_enter(c);
	c->extra_bytes = 8;
	if (c->process->leader) {
		if (id)
			c->pack.exec[2] = (uint64_t)&info;
		else
			c->pack.exec[1] = (uint64_t)&status;
		call_execute(c);
		if (!call_failed(c->result)) {
			if (id && c->args[2] && user_write((void *)c->args[2], &info, sizeof(info)))
				c->result = -EFAULT;
			if (!id && c->args[1] && c->result > 0 &&
			    user_write((void *)c->args[1], &status, sizeof(status)))
				c->result = -EFAULT;
		}
		extra[0] = id ? info.si_pid : (int32_t)c->result;
		extra[1] = id ? status_of(&info) : status;
		if (!call_failed(c->result) && extra[0] > 0 && STATUS_SIGNALLED(extra[1]))
			supervisor_note_death(extra[0], (uint32_t)extra[1]);
	}
	call_leave(c);
	if (!c->process->leader && !c->restart && !call_failed(c->result) && extra[0] > 0 &&
	    STATUS_ENDED(extra[1]) && !(c->args[id ? 3 : 2] & WNOWAIT_FLAG))
		reap(c, extra[0], extra[1]);
	call_finish(c);
}

/* Answered without a record: what the program sees is the leader's anyway. */
void hook_getpid(struct call *c)
{
	if (c->call == CALL_getpid)
		c->result = c->process->vpid;
	else if (c->call == CALL_gettid)
		c->result = c->thread->vtid;
	else
		call_generic(c);
}

void hook_set_tid(struct call *c)
{
	call_execute_own(c);
	c->result = c->thread->vtid;
}
