/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that a process hasn't made itself: they came with a message, or it was
 * started with them. What they are only the leader's kernel knows; it is said in a record
 * of its own (RECORD_PASSED).
 */
#ifndef TANDEM_MONITOR_PASSED_H
#define TANDEM_MONITOR_PASSED_H

#include "monitor.h"

/* Leader: looks at fd and says what it is; follower: hears it. Both note it in their tables. */
void passed_note(struct thread *t, int fd);

#endif
