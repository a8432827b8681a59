/* SPDX-License-Identifier: MIT */
/* A follower's host: what it tells the leader's, and what it does for it. */
#ifndef TANDEM_SUPERVISOR_FOLLOW_H
#define TANDEM_SUPERVISOR_FOLLOW_H

#include "hosts.h"

/* Takes the session's parameters over. STATUS_GO_ON or a status, as all here. */
int follow_start(struct running *r);
/* list: what the follower starts with, or NULL; adds to its preload what others start with. */
int follow_prepare(struct running *r, const char *list);
/* The follower has been started. */
void follow_ready(struct running *r);

int follow_hear(struct running *r, const struct letter *l);

/* A process of the follower has started or ended. */
void follow_process(struct running *r, const struct process_watch *w);
/* A signal for the program. */
void follow_signal(struct running *r, int signal);
/* No process is left here. */
void follow_done(struct running *r);

/* The follower has diverged: says so, and does what the leader's host wants until the end. */
int follow_diverged(struct running *r);
/* Something else ends the session. */
void follow_failed(struct running *r, int status, const char *text);

#endif
