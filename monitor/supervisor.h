/* SPDX-License-Identifier: MIT */
/* Word to the supervisor, in the state file: it looks when the bell rings. Nothing here sleeps. */
#ifndef TANDEM_MONITOR_SUPERVISOR_H
#define TANDEM_MONITOR_SUPERVISOR_H

#include <stdint.h>

void supervisor_ring(void);

/* status: of wait, or DEATH_SENT; pid 0 or negative: several. Leader only; before it happens. */
void supervisor_note_death(int32_t pid, uint32_t status);

#endif
