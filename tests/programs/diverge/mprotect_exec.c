/* SPDX-License-Identifier: MIT */
/* expect: divergence another call: .*: mprotect\(.*PROT_EXEC.* leader made write */
/* A follower makes its data executable. */
#include "check.h"
#include <sys/mman.h>

int main(void)
{
	void *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(m != MAP_FAILED);
	CHECK_EQ(write(1, "one\n", 4), 4);
	CHECK_EQ(mprotect(m, 4096, PROT_READ | (twin() ? PROT_EXEC : 0)), 0);
	CHECK_EQ(write(1, "two\n", 4), 4);
	return done();
}
