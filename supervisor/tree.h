/* SPDX-License-Identifier: MIT */
/*
 * The processes below this one, found by their parents in /proc. The caller is a subreaper,
 * so nothing below it can leave. What variants say about their own pids isn't used: a hijacked one
 * could name anybody.
 */
#ifndef TANDEM_SUPERVISOR_TREE_H
#define TANDEM_SUPERVISOR_TREE_H

#include <stdbool.h>
#include <stdint.h>

/* What /proc/PID/stat says. */
struct tree_process {
	int pid, parent;
	char state;   /* 'R', 'S', 'T', 'Z' ... */
	uint64_t cpu; /* clock ticks, user and system */
	int threads;
	int status; /* wait status of a zombie; -1 where it can't be seen */
};

/* 0, or -ESRCH. */
int tree_look(int pid, struct tree_process *p);

/* Is it one of them? */
bool tree_below(int pid);

/* Stops all of them, also those that are being made meanwhile. 0 or negative errno. */
int tree_freeze(void);

/* Kills and reaps all of them; returns when none is left. 0 or negative errno (no /proc). */
int tree_kill(void);

#endif
