/* SPDX-License-Identifier: MIT */
/* What the supervisor waits for: the bell, signals, the guard, ends of processes, readers of
 * status. */
#ifndef TANDEM_SUPERVISOR_EVENTS_H
#define TANDEM_SUPERVISOR_EVENTS_H

#include "run.h"

/* Before the variants start. 0 or negative errno. */
int events_open(struct running *r);
/*
 * While other hosts are waited for: until something happens, at most timeout_ms (-1: for ever). A
 * signal that ends programs ends us. STATUS_GO_ON, or the exit status of tandem.
 */
int events_await(struct running *r, int timeout_ms);
/* Another descriptor to wait for, or no longer. 0 or negative errno. */
int events_add(struct running *r, int fd);
void events_remove(struct running *r, int fd);
/* A signal for the program. */
void events_signal(struct running *r, int signal);
/* Until the session is over; the exit status of tandem. */
int events_loop(struct running *r);

#endif
