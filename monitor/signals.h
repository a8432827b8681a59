/* SPDX-License-Identifier: MIT */
/*
 * Signals. In the leader every signal with a handler is caught by the monitor
 * and queued; it is delivered at the next boundary of a logged call, where it
 * becomes a record, so that every variant's handler runs at the same place.
 * A call that sleeps ends with EINTR. Followers block all but the faults.
 *
 * Faults (SIGSEGV ...) come from the program itself, at the same place in each
 * variant: each delivers its own, and says so in the stream.
 *
 * The real mask is the program's less the faults and SIGSYS; a queued signal was
 * unblocked when it was caught, and is held back only by the mask of a handler
 * that was delivered before it.
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
void signals_at_exit(struct thread *t, struct regs *regs);
/* Follower: a signal ended a call that isn't logged. */
void signals_taken(struct call *c, const siginfo_t *info, uint8_t flags) __attribute__((noreturn));
/* Has the signal that is delivered next SA_RESTART? */
bool signals_restart(const struct thread *t);

/* The program's mask has changed: sets the real one, counts what may be delivered. */
void signals_set_mask(struct thread *t, uint64_t mask);
/* Blocks everything (fork, clone); returns the real mask for signals_unblock. */
uint64_t signals_block(void);
void signals_unblock(uint64_t real);

/* Makes the kernel's disposition follow the program's action. */
long signals_install(struct process *p, int signal);

/* Dies of a signal by default action, as the program would have. */
void signals_die(int signal) __attribute__((noreturn));

/* arch/: frames. A frame as the kernel would have made it, on the program's stack. */
struct fault_context; /* the kernel's frame of a fault, NULL at a call boundary */
int frame_push(struct thread *t, struct regs *regs, const siginfo_t *info,
	       const struct signal_action *action, ucontext_t *fault);
/* The program returns from a handler: adopts what it may have changed, never returns. */
void frame_return(struct thread *t, struct regs *regs) __attribute__((noreturn));
void frame_init(void);

#endif
