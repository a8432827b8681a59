/* SPDX-License-Identifier: MIT */
/* The program's allocator, which may differ by variant; see allocator.c. */
#ifndef TANDEM_MONITOR_ALLOCATOR_H
#define TANDEM_MONITOR_ALLOCATOR_H

#include "monitor.h"

/* At start, before anything is trapped, by the only thread. Calls the allocator. */
void allocator_start(void);

/* The program runs, and this is code of an allocator that isn't libc's own. */
static inline bool is_allocator(const void *code)
{
	return variant.running && (uintptr_t)code - variant.allocator < variant.allocator_bytes;
}

/* Code of the C library. */
static inline bool is_libc(const void *code)
{
	return (uintptr_t)code - variant.libc < variant.libc_bytes;
}

#endif
