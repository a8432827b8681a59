/* SPDX-License-Identifier: MIT */
/*
 * The trap: catches a site the first time (and those that can't be patched,
 * each time). Back ends: Syscall User Dispatch, seccomp. Either raises SIGSYS for
 * system calls from outside the gate; the handler moves the thread to the site's
 * stub, which leads to the monitor's entry like a patched site.
 */
#ifndef TANDEM_INTERPOSE_TRAP_H
#define TANDEM_INTERPOSE_TRAP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Switches the trap on in the calling thread; backend is an enum session_trap. executed: this
 * image was started by exec, so that a seccomp filter is in place. Negative errno.
 */
int trap_init(unsigned backend, bool executed);
/* In a new thread, or after fork: what isn't inherited. */
int trap_thread(void);

/* Handler of SIGSYS. */
void trap_signal(int signal, siginfo_t *info, void *context);

#endif
