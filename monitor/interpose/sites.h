/* SPDX-License-Identifier: MIT */
/* The table of known sites: address -> stub. All calls: under the patch lock. */
#ifndef TANDEM_INTERPOSE_SITES_H
#define TANDEM_INTERPOSE_SITES_H

#include <stddef.h>
#include <stdint.h>

enum site_state {
	SITE_UNDECIDED, /* has a stub; patch it at a later call */
	SITE_TRAPS,     /* for ever */
	SITE_PATCHED,
	SITE_WINDOW, /* no site: the start of a window in front of one */
};

struct site {
	uintptr_t address; /* 0: never used; 1: forgotten */
	uintptr_t head;    /* of the stub */
	uintptr_t at;      /* where the jump was written (SITE_PATCHED, SITE_WINDOW), or 0 */
	enum site_state state;
};

/* NULL: not known. Good until the next sites_add(). */
struct site *sites_find(uintptr_t address);

/* Adds a site that isn't known. 0 or -ENOMEM. */
int sites_add(uintptr_t address, uintptr_t head, uintptr_t at, enum site_state state);

/* Forgets those in [start, end). */
void sites_forget(uintptr_t start, uintptr_t end);

size_t sites_count(void);

/* Calls each() until it returns nonzero. */
void sites_each(int (*each)(const struct site *s, void *arg), void *arg);

#endif
