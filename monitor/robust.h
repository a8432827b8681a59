/* SPDX-License-Identifier: MIT */
/*
 * Robust mutexes. At the end of a thread the kernel marks those that it still has, and wakes who
 * waits for them; it knows them by the thread's number in their word. That is the leader's in every
 * variant, so a follower does the kernel's work, before its threads end.
 */
#ifndef TANDEM_MONITOR_ROBUST_H
#define TANDEM_MONITOR_ROBUST_H

#include "monitor.h"

/* Follower: the running thread ends, or with it the whole process. In a leader nothing happens. */
void robust_end(struct thread *t, bool process);

#endif
