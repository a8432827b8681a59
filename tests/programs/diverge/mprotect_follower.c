/* SPDX-License-Identifier: MIT */
/* expect: divergence another result: .*mprotect\( */
/* The follower protects memory that it no longer has, without a wish to execute it. */
#include "check.h"
#include <sys/mman.h>

int main(void)
{
	char *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(m != MAP_FAILED);
	CHECK_EQ(munmap(m + (twin() ? 0 : 4096), 4096), 0);
	CHECK_EQ(write(1, "one\n", 4), 4);
	mprotect(m, 4096, PROT_READ);
	CHECK_EQ(write(1, "two\n", 4), 4);
	return done();
}
