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

/* Has the leader begun that stream, and is it not over? After processes_find(). */
bool processes_known(const struct running *r, uint32_t stream);
/* Is any process of variant v alive, as far as is known? */
bool processes_alive(const struct running *r, unsigned v);
/* On the leader's host: what another host says of a process of its follower, v. */
int processes_hear(struct running *r, unsigned v, uint32_t stream, enum life life, int status);
/* ... and the session goes on without variant v. */
void processes_drop(struct running *r, unsigned v);

/* On a follower's host, what the leader's says of a known stream: stream_control.ended;
 * PROCESS_NEVER; no process of the stream is left elsewhere. */
int processes_ended(struct running *r, uint32_t stream, uint32_t ended);
int processes_never(struct running *r, uint32_t stream);
void processes_over(struct running *r, uint32_t stream);

/* Adds a process's counters to those of its variant; not its sites, which end with it. */
void processes_add(struct totals *t, const struct process_state *s);

#endif
