/* SPDX-License-Identifier: MIT */
/*
 * Variants that stand still (hang_timeout). Two cases are certain enough to end a session:
 *
 *   a follower process has something to read, or its leader's process is over, and for that long
 *   it doesn't move;
 *   a leader process with one thread computes for that long without a call, while a follower has
 *   been waiting at a call all the time.
 *
 * A leader that sleeps in a system call is never suspected.
 */
#ifndef TANDEM_SUPERVISOR_HANG_H
#define TANDEM_SUPERVISOR_HANG_H

#include "run.h"

/* STATUS_GO_ON, or the session was ended. To be called now and then. */
int hang_look(struct running *r);

#endif
