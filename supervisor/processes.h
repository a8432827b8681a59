/* SPDX-License-Identifier: MIT */
/* The processes of a session, from their first word to their end. */
#ifndef TANDEM_SUPERVISOR_PROCESSES_H
#define TANDEM_SUPERVISOR_PROCESSES_H

#include "run.h"

/* Takes up processes that have started. STATUS_GO_ON, or the session is over (no memory). */
int processes_find(struct running *r);
/* Notes who has ended. True: no process is left. */
bool processes_reap(struct running *r);
/*
 * Tells followers of leader processes that were killed, finds followers that were, and returns
 * memory of streams that are over. *soon: look again in a moment.
 */
int processes_judge(struct running *r, bool *soon);

/* Adds a process's counters to those of its variant; not its sites, which end with it. */
void processes_add(struct totals *t, const struct process_state *s);

#endif
