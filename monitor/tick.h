/* SPDX-License-Identifier: MIT */
/*
 * Signals for threads that make no calls. Between two calls there is no place that twins could
 * agree on, so a signal waits for the next one; but a loop that only a handler ends has none. So
 * a leader's thread that has computed for 20 ms since it caught a signal is interrupted where it
 * is. Its twin, which looks at the stream every 20 ms of its processor time, is interrupted where
 * that is; if it comes to its next call first, then there.
 *
 * The looks are signals as well, SIGSYS from a timer of the thread's own: the one signal that is
 * never blocked, and that the program doesn't get. A leader's timer runs only while a signal
 * waits. It counts processor time, so it disturbs no sleep.
 */
#ifndef TANDEM_MONITOR_TICK_H
#define TANDEM_MONITOR_TICK_H

#include <signal.h>

struct thread;

/* By the thread itself. */
void tick_on(struct thread *t);
void tick_off(struct thread *t);
/* Its timer goes; before the thread does. */
void tick_end(struct thread *t);
/* In the child of a fork, which inherits none. */
void tick_forget(struct thread *t);

/* From the handler of SIGSYS, all signals being blocked. */
void tick(ucontext_t *context);

#endif
