/* SPDX-License-Identifier: MIT */
/*
 * The leader's host of a session that spans several: what it makes of the messages of the others,
 * and what it tells them. All of it does nothing without other hosts.
 */
#ifndef TANDEM_SUPERVISOR_LEAD_H
#define TANDEM_SUPERVISOR_LEAD_H

#include "hosts.h"

/* Waits until all others have said what their followers start with. STATUS_GO_ON or a status. */
int lead_prepared(struct running *r, char *lists[SESSION_VARIANTS]);
/*
 * Has the followers started, and waits until they are; from: how much of each variant's preload
 * they have already.
 */
int lead_launch(struct running *r, const size_t from[SESSION_VARIANTS]);

int lead_hear(struct running *r, const struct letter *l);

/* ENDED, NEVER or OVER of a stream. */
void lead_tell(struct running *r, enum message_kind kind, uint32_t stream, int32_t status);

/* No process is left on any other host. */
bool lead_done(const struct running *r);

/* Has all hosts freeze their variants and say what they know of a thread; waits for it. */
void lead_freeze(struct running *r, unsigned reporter, const struct divergence *d);

/* Ends the session on the other hosts. text: one line, or "" after the program's own end. */
void lead_end(struct running *r, int status, const char *text);

/* Asks all for their counters; lead_replied() says when all have come. */
void lead_ask(struct running *r);
bool lead_replied(const struct running *r);

#endif
