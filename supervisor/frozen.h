/* SPDX-License-Identifier: MIT */
/*
 * Where a thread of a stopped variant is in its program: its registers there, and its stack. A
 * thread that is inside the monitor is shown as it was when it entered it. What is read comes from
 * a process that may be hijacked: addresses are used for nothing but reading it again.
 */
#ifndef TANDEM_SUPERVISOR_FROZEN_H
#define TANDEM_SUPERVISOR_FROZEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FROZEN_STACK 262144

struct frozen {
	int pid, tid;
	bool in_monitor;
	uint64_t ip, sp, fp;
	uint64_t stack_bytes; /* from sp upwards; 0: can't be read */
	uint8_t *stack;
	char why[96]; /* it couldn't be looked at; empty otherwise */
};

/*
 * The thread with that tag of a process. Attaches to it for a moment with ptrace: the caller is
 * one of its ancestors, single-threaded, and has SIGCHLD blocked. Always fills *f. ip is already
 * the program's own (frozen_origin()).
 */
void frozen_look(struct frozen *f, int pid, uint32_t tag);

/* Registers are known already: reads the stack only. */
void frozen_take(struct frozen *f, int pid, int tid, uint64_t ip, uint64_t sp, uint64_t fp);

/*
 * The call's instruction in the program, if ip is in the monitor's stub for it, as the monitor's
 * own notes are; else ip.
 */
uint64_t frozen_origin(int pid, uint64_t ip);

void frozen_free(struct frozen *f);

#endif
