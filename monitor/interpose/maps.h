/* SPDX-License-Identifier: MIT */
/* /proc/self/maps, read without libc. */
#ifndef TANDEM_INTERPOSE_MAPS_H
#define TANDEM_INTERPOSE_MAPS_H

#include <stdbool.h>
#include <stdint.h>

struct mapping {
	uintptr_t start, end;
	int prot;     /* PROT_* */
	bool shared;  /* writing would reach others */
	bool special; /* the kernel's own ([vdso]): protected as a whole or not at all */
	bool stack;   /* grows downwards */
};

/*
 * Calls each() for the mappings in ascending order until it returns nonzero.
 * 0 or -errno. Uses one static buffer: callers hold the patch lock. each() must
 * not map or unmap anything.
 */
int maps_each(int (*each)(const struct mapping *m, void *arg), void *arg);

#endif
