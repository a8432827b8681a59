/* SPDX-License-Identifier: MIT */
/*
 * What /proc/PID/exe names. Of a process whose image the starter has started the
 * kernel says the starter; the program is to see the program there.
 */
#ifndef TANDEM_MONITOR_EXE_H
#define TANDEM_MONITOR_EXE_H

#include "call.h"

/*
 * Does a path lead to the starter through the link of a process of this variant? Then the path of
 * that process's program is put into `to`.
 */
bool exe_find(const struct process *p, int dirfd, const char *path, char to[SESSION_PROGRAM]);

/* Leader, instead of call_execute: makes a call that was given such a path. false: it wasn't. */
bool exe_execute(struct call *c);

#endif
