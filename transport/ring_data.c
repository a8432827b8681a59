/* SPDX-License-Identifier: MIT */
#include "ring_data.h"

#include <errno.h>
#include <sys/mman.h>

uint8_t *ring_data_map(int fd, uint64_t offset, size_t size, int protection)
{
	uint8_t *data = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (data == MAP_FAILED)
		return NULL;
	for (size_t i = 0; i < 2; i++) {
		if (mmap(data + i * size, size, protection, MAP_SHARED | MAP_FIXED, fd,
			 (off_t)offset) == MAP_FAILED) {
			int error = errno;

			ring_data_unmap(data, size);
			errno = error;
			return NULL;
		}
	}
	return data;
}

void ring_data_unmap(uint8_t *data, size_t size)
{
	if (data)
		munmap(data, 2 * size);
}
