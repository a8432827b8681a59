/* SPDX-License-Identifier: MIT */
/* A file handed over as standard input across exec can be mapped by the new image. */
#include "check.h"

#include <sys/mman.h>

int main(int argc, char **argv)
{
	char *args[] = {argv[0], "mapped", NULL}, *map;
	int fd;

	if (argc > 1) {
		map = mmap(NULL, 10, PROT_READ, MAP_PRIVATE, 0, 0);
		CHECK(map != MAP_FAILED);
		CHECK(memcmp(map, "handed on\n", 10) == 0);
		return done();
	}
	enter_scratch();
	write_file("in", "handed on\n");
	fd = open("in", O_RDONLY);
	CHECK(fd >= 0);
	CHECK_EQ(dup2(fd, 0), 0);
	execv("/proc/self/exe", args);
	return 1;
}
