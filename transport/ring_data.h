/* SPDX-License-Identifier: MIT */
/* The data of a ring as ring.h wants it, outside of variants: the same memory twice in a row. */
#ifndef TANDEM_TRANSPORT_RING_DATA_H
#define TANDEM_TRANSPORT_RING_DATA_H

#include <stddef.h>
#include <stdint.h>

/* size bytes at offset of a file; protection as for mmap(). NULL: no memory, in errno why. */
uint8_t *ring_data_map(int fd, uint64_t offset, size_t size, int protection);
/* NULL: nothing. */
void ring_data_unmap(uint8_t *data, size_t size);

#endif
