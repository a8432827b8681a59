/* SPDX-License-Identifier: MIT */
/*
 * Locks with priority inheritance, whose owners the kernel looks up by their number. It finds the
 * leader's in a follower's memory, and would wait for a thread of the leader's. So a follower does
 * the kernel's part itself. Priorities are nothing to it: who gets a lock is the leader's to say.
 */
#ifndef TANDEM_MONITOR_OWNER_H
#define TANDEM_MONITOR_OWNER_H

#include "call.h"

/* Follower: FUTEX_LOCK_PI and its like are done; false: it is none of these. */
bool owner_futex(struct call *c);

#endif
