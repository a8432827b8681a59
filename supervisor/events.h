/* SPDX-License-Identifier: MIT */
/* What the supervisor waits for: the bell, signals, the guard, ends of processes, readers of
 * status. */
#ifndef TANDEM_SUPERVISOR_EVENTS_H
#define TANDEM_SUPERVISOR_EVENTS_H

#include "run.h"

/* Before the variants start. 0 or negative errno. */
int events_open(struct running *r);
/* Until the session is over; the exit status of tandem. */
int events_loop(struct running *r);

#endif
