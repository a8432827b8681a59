/* SPDX-License-Identifier: MIT */
/*
 * A process and its stream. A process maps its own stream only; a fork's child
 * maps the next one and drops its parent's.
 */
#ifndef TANDEM_MONITOR_PROCESS_H
#define TANDEM_MONITOR_PROCESS_H

#include "monitor.h"

/*
 * Maps the stream's ring and state page, and starts at its beginning or (after exec) where the
 * pages say. A follower waits until the leader has begun. Negative errno.
 */
int process_attach(struct process *p, uint32_t stream);
void process_detach(struct process *p);

static inline bool process_halted(const struct process *p)
{
	for (uint32_t i = 0; i < p->halts; i++) {
		if (atomic_load_explicit(p->halt[i], memory_order_relaxed))
			return true;
	}
	return false;
}

/* The state page of a process that is being made. NULL: no memory. */
struct process_state *process_state_map(uint32_t stream);
void process_state_unmap(struct process_state *s);

/*
 * Writes n bytes, within one page, to a file of the session (SESSION_FD_...), past what
 * RLIMIT_FSIZE of the program would stop. -ENOMEM.
 */
int process_write(int which, uint64_t offset, const void *bytes, size_t n);

/* Follower: the leader's process was killed from outside; ends the same way. */
void process_end_killed(struct thread *t, int status) __attribute__((noreturn));

/* Follower: pids of children, the leader's and ours. */
void process_add_child(struct process *p, int32_t vpid, int32_t pid);
/*
 * Follower: orphans that this process has adopted aren't in its table. process_tell_kin() is said
 * by every process when it starts; process_adopted() finds one, waiting for its start and for the
 * end of the parent that it has here; -1: it can't be a child of this process.
 */
void process_tell_kin(const struct process *p, uint32_t parent);
int32_t process_adopted(const struct process *p, int32_t vpid);
int32_t process_child(const struct process *p, int32_t vpid);
void process_remove_child(struct process *p, int32_t vpid);

/* A new thread's block, not yet running. NULL: no memory. */
struct thread *thread_new(struct process *p);
void thread_free(struct thread *t);
/* Makes t the running thread's own: register, signal stack, trap. */
void thread_adopt(struct thread *t);
/* At the end of a thread: its block may be reused once the kernel thread is gone. */
void thread_retire(struct thread *t);

#endif
