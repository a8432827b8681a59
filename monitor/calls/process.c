/* SPDX-License-Identifier: MIT */
/*
 * fork, vfork, clone, clone3: every variant makes its own child. The leader
 * decides the number of its stream (process) or its tag (thread) and says so in
 * the record of the call. Pids that the program sees are the leader's.
 */
#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>

#include "../fd.h"
#include "../interpose/patch.h"
#include "../interpose/trap.h"
#include "../process.h"
#include "../signals.h"
#include "../supervisor.h"
#include "hooks.h"

/* The leader's word on a child, as extra output. */
struct child_record {
	uint32_t id; /* stream or thread tag */
	int32_t pidfd;
};

struct clone_request {
	uint64_t flags; /* with the exit signal */
	uint64_t stack; /* top; 0: the caller's */
	uint64_t parent_tid, child_tid, tls;
	bool thread; /* CLONE_THREAD */
	bool shares; /* CLONE_VM without CLONE_THREAD: vfork, posix_spawn */
};

/* What a child that shares memory needs to start; on its own monitor stack. */
struct start {
	struct thread *thread;
	struct regs regs;
	uint32_t stream; /* of a process */
	bool process;
	int32_t vpid;
};

/* clone3's structure becomes clone's arguments; what clone can't say is refused as old kernels do. */
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

/* In the child: a process of its own, with the next stream. */
static void become(struct process *p, struct thread *t, uint32_t stream, int32_t vpid)
{
	uint32_t parent = p->stream;
	int error;

	p->pid = (int32_t)sys(SYS_getpid);
	p->vpid = p->leader ? p->pid : vpid;
	p->threads = t;
	p->alone = true;
	p->order = p->thread_lock = 0;
	p->turn_waiters = 0;
	p->next_tag = 1;
	p->children_count = 0;
	t->next = NULL;
	t->tag = 0;
	t->vtid = p->vpid;
	t->queued = 0;
	t->pending = 0;
	t->parts_size = 0;
	error = process_attach(p, stream);
	if (error < 0)
		stop_internal("a new process can't map its stream", error);
	p->state->parent = parent;
	announce(p);
}

static void child_main(struct start *s)
{
	struct thread *t = s->thread;
	struct regs regs = s->regs;

	thread_adopt(t);
	if (s->process)
		become(t->process, t, s->stream, s->vpid);
	else
		atomic_fetch_add(&t->process->state->threads, 1);
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
		own->children = NULL;
		own->children_count = own->children_capacity = 0;
		own->free_threads = NULL;
		if (fd_copy(&own->fds, &p->fds) < 0) {
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
	if (q->shares && !(q->flags & CLONE_VFORK))
		t->altstack.ss_flags = SS_DISABLE;
	else if (q->shares)
		t->altstack = c->thread->altstack;
	s = (void *)((t->stack - sizeof(*s) - 64) & ~63ull);
	s->thread = t;
	s->regs = *c->regs;
	regs_set_result(&s->regs, 0);
	if (q->stack)
		s->regs.rsp = q->stack;
	s->process = q->shares;
	return s;
}

static void discard(struct start *s, struct process *parent, bool ran)
{
	struct process *own = s->thread->process;

	if (own != parent) {
		if (ran)
			process_detach(own);
		fd_drop(&own->fds);
		memory_unmap(own, sizeof(*own));
	}
	thread_free(s->thread);
}

/*
 * The system call itself. In a fork's child it returns 0; a child that shares memory goes
 * its own way. A follower's kernel must not write its own pids into the program's memory.
 */
static long clone_own(struct call *c, const struct clone_request *q, struct start *s)
{
	uint64_t flags = q->flags;
	uint64_t *top = (uint64_t *)s - 2;

	if (!c->process->leader)
		flags &= ~(uint64_t)(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_PIDFD);
	if (!s)
		return sys(SYS_clone, flags, 0, q->parent_tid, q->child_tid, q->tls);
	top[0] = (uint64_t)child_main;
	top[1] = (uint64_t)s;
	return gate.clone(flags, top, (void *)q->parent_tid, (void *)q->child_tid, q->tls);
}

static void set_tid(uint64_t address, int32_t tid)
{
	if (address)
		user_write((void *)address, &tid, sizeof(tid));
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
	struct child_record *child = (void *)c->extra;
	uint64_t mask;

	c->extra_bytes = sizeof(*child);
	child->id = q->thread ? p->next_tag
			      : atomic_fetch_add(&variant.log->next_stream, 1) + 1;
	child->pidfd = -1;
	mask = signals_block();
	if (q->thread) {
		add_thread(p, s, child->id, 0);
	} else if (s) {
		s->stream = child->id;
	}
	patch_hold();
	c->result = clone_own(c, q, s);
	if (c->result == 0) {
		patch_release();
		process_detach(p);
		become(p, c->thread, child->id, 0);
		trap_thread();
		signals_unblock(mask);
		return;
	}
	patch_release();
	if (call_failed(c->result)) {
		if (q->thread)
			p->threads = s->thread->next;
	} else if (q->thread) {
		s->thread->vtid = (int32_t)c->result;
		p->next_tag++;
	} else if (q->flags & CLONE_PIDFD) {
		user_read(&child->pidfd, (void *)q->parent_tid, sizeof(child->pidfd));
	}
	signals_unblock(mask);
}

static void follower_clone(struct call *c, const struct clone_request *q, struct start *s)
{
	struct process *p = c->process;
	const struct child_record *child = (void *)c->extra;
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
	patch_hold();
	own = clone_own(c, q, s);
	patch_release();
	if (own == 0) {
		process_detach(p);
		become(p, c->thread, child->id, vpid);
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
	uint32_t stream = p->stream;

	if (c->call == CALL_clone3 && !from_clone3(c)) {
		c->result = -ENOSYS;
		return;
	}
	q = (struct clone_request){.flags = c->args[0],
				   .stack = c->args[1],
				   .parent_tid = c->args[2],
				   .child_tid = c->args[3],
				   .tls = c->args[4]};
	q.thread = q.flags & CLONE_THREAD;
	q.shares = (q.flags & CLONE_VM) && !q.thread;
	if (q.flags & (CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
		       CLONE_NEWUTS | CLONE_NEWCGROUP))
		stop_unsupported(c->thread, c->number, c->row, c->args, "new namespaces");
	/* From here on the stream has more than one writer. */
	if (q.thread)
		p->alone = false;
	if (q.thread || q.shares) {
		s = prepare(c, &q);
		if (!s)
			stop_internal("no memory for a new thread", -ENOMEM);
	}
	c->hold = true;
	call_enter(c);
	if (p->leader) {
		leader_clone(c, &q, s);
		if (p->stream != stream)
			return; /* the child of a fork: nothing of the parent's call is its own */
		call_leave(c);
	} else {
		c->extra_bytes = sizeof(struct child_record);
		call_leave(c);
		if (!call_failed(c->result) && !c->restart) {
			follower_clone(c, &q, s);
			if (p->stream != stream) {
				c->signalled = false;
				return;
			}
		}
	}
	if (s && (call_failed(c->result) || c->restart))
		discard(s, p, false);
	else if (q.shares && (q.flags & CLONE_VFORK))
		discard(s, p, true); /* it has ended or become another image: the kernel says so */
	if (!call_failed(c->result) && (q.flags & CLONE_PIDFD))
		fd_set_kind(p, ((struct child_record *)c->extra)->pidfd, FD_PIDFD);
	call_finish(c);
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
	call_enter(c);
	call_finish(c);
	if (last) {
		p->state->exit_status = ((int)c->args[0] & 0xff) << 8;
		atomic_store(&p->state->phase, PHASE_EXITED);
		supervisor_ring();
		sys(SYS_exit_group, c->args[0]);
	}
	signals_block();
	atomic_fetch_sub(&p->state->threads, 1);
	lock_acquire(&p->thread_lock);
	for (struct thread **at = &p->threads; *at; at = &(*at)->next) {
		if (*at == t) {
			*at = t->next;
			break;
		}
	}
	lock_release(&p->thread_lock);
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
		diverge(c->thread, DIVERGENCE_EXIT, c, c->record,
			"the leader's child isn't a child here");
	n = sys(SYS_wait4, pid, &own, 0x40000000 /* __WALL */, 0);
	process_remove_child(p, vpid);
	/* A child that was killed from outside is ended here by the supervisor's word. */
	if (n == pid && (status & 0x7f) == 0 && own != status)
		diverge(c->thread, DIVERGENCE_EXIT, c, c->record,
			"a child ended with another status than the leader's");
}

#define STATUS_ENDED(status) (((status)&0xff) != 0x7f && (status) != 0xffff)

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
