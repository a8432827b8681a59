/* SPDX-License-Identifier: MIT */
#ifndef TANDEM_TEST_FUTEX_HOST_H
#define TANDEM_TEST_FUTEX_HOST_H

/* Handles on futex_host.c, which is what the ring needs from its host, for tests and benches. */

#include <stdbool.h>

/* System calls of this process so far. */
extern _Atomic unsigned long futex_waits, futex_wakes;

/* Sleep until woken, whatever timeout is given: a wake-up that is missed hangs, and is noticed. */
extern _Atomic bool futex_no_timeouts;

/* What tnd_bell() of this thread writes to. */
extern _Thread_local int bell_fd;

#endif
