/* SPDX-License-Identifier: MIT */
/* What the tests of the patcher share: the fake monitor, children, generated code. */
#ifndef TANDEM_TESTS_PATCH_HOST_H
#define TANDEM_TESTS_PATCH_HOST_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "interpose/patch.h"

/* patch_entry.S */
void entry(void);
extern char entry_begin[], entry_end[], entry_restorer[];
extern _Atomic uint64_t entry_calls;
long gate_call(long nr, long a, long b, long c, long d, long e, long f);

/* Runs f in a child, which has to come to its end without a failed check. */
void in_child(void (*f)(void));
/* In a child: says what failed and ends it. */
#define CHECK(e) ((e) ? (void)0 : check_failed(#e, __FILE__, __LINE__))
void check_failed(const char *what, const char *file, int line) __attribute__((noreturn));

/* The calling thread's calls trap from now on, the SIGSYS handler patches; and no longer. */
void trap_on(void);
void trap_off(void);
extern int trap_alone; /* what the handler tells site_stub() */
extern _Atomic uint64_t traps;

/* Code, generated: getpid in different guises. */
struct guise {
	const char *name;
	unsigned char code[32];
	unsigned size, site; /* offset of the syscall instruction */
};
extern const struct guise guises[];
extern const unsigned guises_count;

struct patch_stats stats_now(void);

#endif
