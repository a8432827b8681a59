/* SPDX-License-Identifier: MIT */
/*
 * The guard: the `tandem run` that the user started. Its child is the supervisor, whose children
 * are the variants. Both are subreapers, so whichever of the two is killed, the other one finds
 * every process of the session below it and ends it.
 *
 * The two are joined by a socket: the guard sends each signal that it is sent, and its end
 * of file tells the supervisor that the guard is gone.
 */
#ifndef TANDEM_SUPERVISOR_GUARD_H
#define TANDEM_SUPERVISOR_GUARD_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* A message of the channel (a SOCK_SEQPACKET socket). */
struct guard_signal {
	int32_t signal;
	int32_t sender; /* pid */
};

/* What the supervisor starts with. */
struct guarded {
	int guard;      /* pid */
	int channel;    /* readable: a struct guard_signal, or the guard's end */
	int life[2];    /* pipe of which only guard and supervisor hold [1]: monitor/life.h */
	sigset_t mask;  /* the caller's, for the variants */
	sigset_t taken; /* blocked in guard and supervisor */
	bool ignores_children; /* the caller's SIGCHLD was ignored: so shall the variants' be */
};

/*
 * Forks; runs supervise() in the child, which exits with what that returns. The parent passes
 * signals on and returns the exit status for tandem. Call while single-threaded.
 */
int guard_run(int (*supervise)(const struct guarded *g, void *arg), void *arg,
	      bool ignores_children);

#endif
