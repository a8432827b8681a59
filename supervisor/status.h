/* SPDX-License-Identifier: MIT */
/*
 * `tandem status`, the supervisor's side. It listens on the abstract socket "\0tandem/UID/PID",
 * which leaves nothing in the file system; whoever connects as the same user or root is sent one
 * JSON object (tandem(1)) and the end of file. Counters only: rates are the reader's business.
 */
#ifndef TANDEM_SUPERVISOR_STATUS_H
#define TANDEM_SUPERVISOR_STATUS_H

#include "run.h"

#define STATUS_PREFIX "tandem/"

/* The socket, or negative errno. */
int status_listen(void);
/* Answers all who are waiting. Never blocks. */
void status_answer(struct running *r);
/*
 * Where there are other hosts, readers wait for what these say. On the leader's host: another one
 * wants to show it too; all have said how their followers are. On a follower's: the leader's has
 * said it all.
 */
void status_asked(struct running *r);
void status_replied(struct running *r);
/*
 * Those who don't say it in time aren't waited for: when that time is over, which is in so many ms
 * (INT_MAX: nobody waits), others are shown as they were last, and on a follower's host only its
 * own variant.
 */
int status_patience_ms(const struct running *r);
void status_look(struct running *r);
void status_answered(struct running *r, const char *variants);
void status_close(struct running *r);

#endif
