/* SPDX-License-Identifier: MIT */
/* Symbols of the C library that the monitor stands in front of. */
#ifndef TANDEM_MONITOR_LOCKS_H
#define TANDEM_MONITOR_LOCKS_H

/* The definition behind ours; never NULL. Only at start-up and in the first use of a lock. */
void *libc_symbol(const char *name);
/* The same of what may not be there: NULL. */
void *symbol_behind(const char *name);

/*
 * What stands behind ours is looked up at the start, all that is there: a lookup takes a lock of
 * the loader's (loader.c), which another thread may have for long.
 */
struct behind {
	const char *name;
	void *symbol;
};
void symbols_find(void);

/* Aligned as in an array: the compiler would leave gaps. */
#define BEHIND_OF(label)                                                                           \
	({                                                                                         \
		static struct behind behind_ __attribute__((section("tandem_behind"), used,        \
							    aligned(8))) = {.name = label};        \
		&behind_;                                                                          \
	})

#endif
