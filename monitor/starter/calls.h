/* SPDX-License-Identifier: MIT */
/* System calls in the starter: its own, and those of the loader that runs behind it. */
#ifndef TANDEM_STARTER_CALLS_H
#define TANDEM_STARTER_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "arch.h"

/* arch/: the gate. */
void gate_code_call(void) __attribute__((visibility("hidden")));
void gate_code_sigreturn(void *stack) __attribute__((noreturn, visibility("hidden")));
void gate_code_restorer(void) __attribute__((visibility("hidden")));

#define CALL_7(nr, a, b, c, d, e, f, ...)                                                          \
	gate_pass(gate_code_call, (long)(nr), (long)(a), (long)(b), (long)(c), (long)(d),          \
		  (long)(e), (long)(f))
#define sys(...) CALL_7(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

/*
 * Until the monitor takes over, calls that trap pass through the gate. program: what
 * /proc/self/exe is said to be, `length` bytes.
 */
void pass_calls(const char *program, size_t length);

/* The old image is lost: ends as the kernel ends an exec that fails so late. */
void starter_die(const char *why) __attribute__((noreturn));

#endif
