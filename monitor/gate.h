/* SPDX-License-Identifier: MIT */
/*
 * System calls of the monitor itself. They pass through the gate, whose
 * addresses the trap back ends let through. Callable from anywhere in the
 * monitor, in any thread and in signal handlers. Results are the kernel's:
 * negative errno.
 */
#ifndef TANDEM_MONITOR_GATE_H
#define TANDEM_MONITOR_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "arch.h"

/* Entry points, in the library's own copy of the gate or (seccomp) in the session's gate page. */
struct gate {
	void (*call)(void), (*wait)(void); /* for gate_pass() (arch.h) */
	long (*clone)(unsigned long flags, void *stack, void *parent_tid, void *child_tid,
		      unsigned long tls);
	__attribute__((noreturn)) void (*sigreturn)(void *stack);
	void (*restorer)(void);
	uintptr_t begin, end;               /* what the trap lets through */
	uintptr_t look, enter, interrupted; /* see gate.S of arch/ */
	uintptr_t private_over, private_end;
};

extern struct gate gate;

/* Uses the library's own gate. */
void gate_init(void);
/* Uses a copy of it at an address where it outlives exec; present: the starter has brought it. */
int gate_move(uintptr_t address, bool present);

long gate_call(long nr, long a, long b, long c, long d, long e, long f);

#define GATE_7(nr, a, b, c, d, e, f, ...)                                                          \
	gate_pass(gate.call, (long)(nr), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e),    \
		  (long)(f))
/* Up to six arguments, the rest are 0. */
#define sys(...) GATE_7(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

#endif
