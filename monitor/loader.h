/* SPDX-License-Identifier: MIT */
/* The dynamic loader's locks; see loader.c. */
#ifndef TANDEM_MONITOR_LOADER_H
#define TANDEM_MONITOR_LOADER_H

/* At start, before anything is trapped, by the only thread. */
void loader_start(void);
/* Behind that: what libc would load by itself at a time of its own. */
void loader_load_unwinder(void);

#endif
