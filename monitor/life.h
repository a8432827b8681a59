/* SPDX-License-Identifier: MIT */
/*
 * No process of a variant outlives guard and supervisor, however they end. Both hold the write end
 * of a pipe; each process of the variants has an open file of its own at the read end, which is to
 * send it SIGKILL (F_SETOWN, F_SETSIG, O_ASYNC). When the last writer is gone the kernel does so,
 * whether the process runs, is stopped, or is about to execute another image.
 *
 * An open file has one owner, so a fork's child opens the pipe again, through /proc; that
 * directory's descriptor is a reserved one too, since the program may change its root.
 */
#ifndef TANDEM_MONITOR_LIFE_H
#define TANDEM_MONITOR_LIFE_H

/*
 * Ties the calling process, which has just been made, or ends it when nobody is left to be tied
 * to. A process that may open no descriptor any more (RLIMIT_NOFILE) stays untied: guard and
 * supervisor find it as long as one of them lives.
 */
void life_tie(void);

#endif
