/* SPDX-License-Identifier: MIT */
/* mremap that grows and moves, brk and sbrk, MAP_FIXED, MAP_FIXED_NOREPLACE, a growing heap. */
#include "check.h"
#include <sys/mman.h>

int main(void)
{
	unsigned char *m, *n, *heap = NULL, *b;
	size_t size;

	m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(m != MAP_FAILED);
	memset(m, 7, 8192);
	n = mremap(m, 8192, 1 << 20, MREMAP_MAYMOVE);
	CHECK(n != MAP_FAILED);
	CHECK(n[0] == 7 && n[8191] == 7 && n[8192] == 0 && n[(1 << 20) - 1] == 0);
	n = mremap(n, 1 << 20, 4096, 0);
	CHECK(n != MAP_FAILED && n[4095] == 7);
	m = mmap(n, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(m == n && m[0] == 0);
	CHECK(mmap(n, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
	      MAP_FAILED);
	CHECK_EQ(errno, EEXIST);
	CHECK_EQ(munmap(n, 4096), 0);
	CHECK(mremap(n, 4096, 8192, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT);

	b = sbrk(0);
	CHECK(sbrk(100000) == b);
	memset(b, 9, 100000);
	CHECK((unsigned char *)sbrk(0) == b + 100000);
	CHECK_EQ(brk(b), 0);
	for (size = 1000; size < 20000000; size *= 3) {
		heap = realloc(heap, size);
		CHECK(heap);
		if (size > 1000)
			CHECK_EQ(heap[size / 3 - 1], 3);
		memset(heap, 3, size);
	}
	free(heap);
	return done();
}
