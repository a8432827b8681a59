/* SPDX-License-Identifier: MIT */
/* expect: divergence another result: .*renamed or replaced since it was opened */
/* needs: one host */
/* Code is mapped from a file in whose place there is another one by now. */
#include "check.h"
#include <sys/mman.h>

int main(void)
{
	int fd;

	enter_scratch();
	write_file("a", "one");
	write_file("b", "two");
	fd = open("a", O_RDONLY);
	CHECK(fd >= 0);
	CHECK_EQ(rename("a", "c"), 0);
	CHECK_EQ(rename("b", "a"), 0);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) != MAP_FAILED);
	return 0;
}
