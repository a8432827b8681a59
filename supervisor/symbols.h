/* SPDX-License-Identifier: MIT */
/*
 * Addresses of a process in words: module, symbol, offset, and the source line where there is
 * debugging information; and the way a thread came. With libdw, from the files that the process
 * has mapped, which may be malicious: use it in a process that may crash. No file is
 * fetched from anywhere.
 */
#ifndef TANDEM_SUPERVISOR_SYMBOLS_H
#define TANDEM_SUPERVISOR_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

#include "frozen.h"

struct symbols;

struct symbol_place {
	uint64_t address;
	char module[256]; /* path; empty: unknown */
	char symbol[256]; /* empty: unknown */
	uint64_t offset;  /* from the symbol, or without one from the start of the module */
	char file[256];   /* source file; empty: unknown */
	int line;
};

/* NULL: /proc/PID/maps can't be read. The process must stay as it is. */
struct symbols *symbols_open(int pid);
void symbols_close(struct symbols *s);

/*
 * caller: the address is a return address, so the line is that of the call before it. s may be
 * NULL: then only the address is known.
 */
void symbols_place(struct symbols *s, uint64_t address, int caller, struct symbol_place *place);

/*
 * Return addresses of a thread, its own address first. Frames without unwinding information
 * (generated code) are crossed by the frame pointer or the word on top of the stack. Returns how
 * many.
 */
size_t symbols_unwind(struct symbols *s, const struct frozen *f, uint64_t *addresses, size_t most);

#endif
