/* SPDX-License-Identifier: MIT */
/*
 * Memory for stubs: regions of 64 KiB of code near the modules that they serve.
 *
 * Each region starts with the address of the monitor's entry; stubs jump
 * through it. Pages are readable and executable; they are writable only while
 * a stub is written (the other stubs of the page may be running). Pages that
 * hold no stub cost no memory. What is in use is noted elsewhere, so that
 * reserving doesn't write to code. All calls: under the patch lock.
 */
#ifndef TANDEM_INTERPOSE_STUBS_H
#define TANDEM_INTERPOSE_STUBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STUB_REGION ((size_t)64 * 1024)
#define STUB_ROW 256 /* addresses can be asked for modulo this */
#define STUB_ANY (-1)

int stubs_init(uintptr_t entry);

/*
 * Reserves bytes (at most STUB_ROW / 2).
 *   near  a jump between this address and the stub must be possible; 0: anywhere
 *   low   the wanted low byte of the address, or STUB_ANY
 *   slot  out: address of the word that holds the entry's address
 * 0: there is no memory.
 */
uintptr_t stubs_reserve(uintptr_t near, size_t bytes, int low, uintptr_t *slot);

/* Takes back the last reservation. */
void stubs_cancel(uintptr_t at, size_t bytes);

/* Writes into reserved memory. 0, or -errno and nothing is written. */
int stubs_write(uintptr_t at, const void *bytes, size_t count);

void stubs_usage(uint64_t *bytes, uint64_t *regions);

bool stubs_contain(uintptr_t address);

/* Memory for the patcher's own tables: a private mapping, zeroed. NULL: none. */
void *stubs_map(size_t bytes);
void stubs_unmap(void *p, size_t bytes);

#endif
