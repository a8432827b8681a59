/* SPDX-License-Identifier: MIT */
/* Word to the supervisor: it looks at the state files when the bell rings. Never sleeps. */
#ifndef TANDEM_MONITOR_SUPERVISOR_H
#define TANDEM_MONITOR_SUPERVISOR_H

void supervisor_ring(void);

#endif
