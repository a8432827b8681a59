/* SPDX-License-Identifier: MIT */
/* Symbols of the C library that the monitor stands in front of. */
#ifndef TANDEM_MONITOR_LOCKS_H
#define TANDEM_MONITOR_LOCKS_H

/* The definition behind ours; never NULL. Only at start-up and in the first use of a lock. */
void *libc_symbol(const char *name);
/* The same of what may not be there: NULL. */
void *symbol_behind(const char *name);

#endif
