/* SPDX-License-Identifier: MIT */
/* An ELF file in memory: the program, or its loader. */
#ifndef TANDEM_STARTER_IMAGE_H
#define TANDEM_STARTER_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

struct image {
	uint64_t bias;      /* from link addresses to those in memory */
	uint64_t entry;     /* in memory */
	uint64_t low, high; /* in memory */
	uint64_t headers;   /* in memory; 0: in none of its segments */
	unsigned count;     /* of headers */
	const char *loader; /* PT_INTERP, in memory; NULL: none */
	bool executable_stack;
};

/* Maps it as the kernel's exec would, at addresses that mmap chooses; dies if that fails. */
void image_map(int fd, struct image *m);

#endif
