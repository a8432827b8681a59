/* SPDX-License-Identifier: MIT */
/* expect: divergence another call: .*: mmap\(.*PROT_EXEC.* leader made write */
/* A follower maps memory that can be written and executed. */
#include "check.h"
#include <sys/mman.h>

int main(void)
{
	int prot = PROT_READ | PROT_WRITE | (twin() ? PROT_EXEC : 0);

	CHECK_EQ(write(1, "one\n", 4), 4);
	CHECK(mmap(NULL, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	CHECK_EQ(write(1, "two\n", 4), 4);
	return done();
}
