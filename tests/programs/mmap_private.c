/* SPDX-License-Identifier: MIT */
/* A private mapping of a file: its content, an offset, copy on write, the tail behind the end. */
#include "check.h"
#include <sys/mman.h>

int main(void)
{
	char *m, buf[4];
	int fd, i;

	enter_scratch();
	fd = open("f", O_CREAT | O_RDWR, 0600);
	for (i = 0; i < 5000; i++)
		CHECK_EQ(write(fd, &"0123456789"[i % 10], 1), 1);
	m = mmap(NULL, 5000, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(m != MAP_FAILED);
	for (i = 0; i < 5000; i++)
		CHECK_EQ(m[i], '0' + i % 10);
	CHECK_EQ(m[5000], 0);
	memcpy(m, "changed", 7);
	CHECK_EQ(pread(fd, buf, 4, 0), 4);
	CHECK(memcmp(buf, "0123", 4) == 0);
	CHECK_EQ(munmap(m, 5000), 0);
	m = mmap(NULL, 904, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 4096);
	CHECK(m != MAP_FAILED);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(unlink("f"), 0);
	CHECK_EQ(m[0], '6');
	CHECK_EQ(m[903], '9');
	CHECK_EQ(write(1, m, 4), 4);
	CHECK_EQ(write(1, "\n", 1), 1);
	CHECK(mmap(NULL, 10, PROT_READ, MAP_PRIVATE, -1, 0) == MAP_FAILED && errno == EBADF);
	CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
	      errno == EINVAL);
	return done();
}
