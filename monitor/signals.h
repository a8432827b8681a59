/* SPDX-License-Identifier: MIT */
/*
 * Signals. In the leader every signal with a handler is caught by the monitor; it
 * is delivered at the next boundary of a logged call, where it becomes a record,
 * so that every variant's handler runs at the same place. A call that sleeps ends
 * with EINTR. Followers block all but the faults.
 *
 * One at a time: from catching to delivery all signals that have handlers are
 * blocked in their thread, so what comes meanwhile stays with the kernel, which
 * keeps its order, its values and its choice of thread. Delivery sets the mask of
 * the handler; whatever that lets in is caught at once and delivered on top, as
 * the kernel stacks frames. The return from a handler is a logged call as well:
 * a boundary for what waited. A caught signal that the program blocks before its
 * delivery goes back to the kernel.
 *
 * Faults (SIGSEGV ...) come from the program itself, at the same place in each
 * variant: each delivers its own, and says so in the stream. They are never really
 * blocked, nor is SIGSYS; one that was sent (kill) and that the program blocks is
 * held by the monitor.
 *
 * A thread that makes no logged calls for long is interrupted between two, see tick.h.
 */
#ifndef TANDEM_MONITOR_SIGNALS_H
#define TANDEM_MONITOR_SIGNALS_H

#include "call.h"

#define SIGNAL_BIT(n) (1ull << ((n)-1))
#define FAULTS                                                                                     \
	(SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGILL) |      \
	 SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGSYS))

/* Installs the handlers of faults and of the trap; once for each image. */
void signals_init(struct process *p);
/* The monitor's own signal stack and the real mask of a thread that starts. */
void signals_thread_init(struct thread *t);

/* A signal comes before the call: delivers it; the call is made again behind it. */
void signals_before(struct call *c) __attribute__((noreturn));
/* Signals come behind the call. */
void signals_at_exit(struct thread *t, struct call *c);
/* Signals come behind the return from a handler: on top of the context that it returns to. */
void signals_at_return(struct thread *t, struct regs *regs, ucontext_t *context)
	__attribute__((noreturn));
/* Follower: a signal ended a call that isn't logged. */
void signals_taken(struct call *c, siginfo_t *info, uint8_t flags) __attribute__((noreturn));
/* Has the signal that is delivered next SA_RESTART? */
bool signals_restart(const struct thread *t);

/* The program's mask has changed: sets the real one; a caught signal may go back to the kernel. */
void signals_set_mask(struct thread *t, uint64_t mask);
/* The kernel's mask that goes with the program's. */
uint64_t signals_real_mask(const struct thread *t);
/* Follower: an address that the leader's siginfo carries for this process becomes its own. */
void signals_localise(const struct process *p, siginfo_t *info);
/* Gives a caught signal back to the kernel, for the thread or image that comes after. */
void signals_give_back(struct thread *t);
/* Blocks everything (fork, clone); returns the real mask for signals_unblock. */
uint64_t signals_block(void);
/* The same, but for those that kill: they may do so at any moment. */
uint64_t signals_hold(const struct thread *t);
/* Held: is there one that the program would handle now? */
bool signals_wait(const struct thread *t);
void signals_unblock(uint64_t real);

/* Is this code of the monitor's, or of the gate's? */
bool signals_in_monitor(uintptr_t ip);
/* Delivers a signal, if there is one, to a thread that was interrupted in the program's own code.
 */
void signals_between(ucontext_t *context);

/* Makes the kernel's disposition follow the program's action. */
long signals_install(struct process *p, int signal);

/* Dies of a signal by default action, as the program would have. */
void signals_die(int signal) __attribute__((noreturn));

/* arch/: frames. A frame as the kernel would have made it, on the program's stack. */
struct fault_context; /* the kernel's frame of a fault, NULL at a call boundary */
int frame_push(struct thread *t, struct regs *regs, const siginfo_t *info,
	       const struct signal_action *action, ucontext_t *fault);
/* The program returns from a handler: what it may have changed; -EFAULT. */
int frame_read(const struct regs *regs, uint64_t *mask, stack_t *altstack);
void frame_return(struct thread *t, const struct regs *regs) __attribute__((noreturn));
/* Instead of the return: makes the frame's context that of a signal to deliver, see frame_push. */
void frame_interrupt(struct thread *t, struct regs *regs, ucontext_t *context);
void frame_init(void);

#endif
