/* SPDX-License-Identifier: MIT */
/* A shared mapping of a file: what is stored there is read back by read(), and the reverse. */
#include "check.h"
#include <sys/mman.h>

int main(void)
{
	char *m, buf[8];
	int fd, ro;

	enter_scratch();
	fd = open("f", O_CREAT | O_RDWR, 0600);
	CHECK_EQ(ftruncate(fd, 8192), 0);
	m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(m != MAP_FAILED);
	memcpy(m + 4000, "by store", 8);
	CHECK_EQ(msync(m, 8192, MS_SYNC), 0);
	CHECK_EQ(pread(fd, buf, 8, 4000), 8);
	CHECK(memcmp(buf, "by store", 8) == 0);
	CHECK_EQ(pwrite(fd, "by write", 8, 6000), 8);
	CHECK(memcmp(m + 6000, "by write", 8) == 0);
	CHECK_EQ(munmap(m, 8192), 0);
	ro = open("f", O_RDONLY);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0) == MAP_FAILED);
	CHECK_EQ(errno, EACCES);
	m = mmap(NULL, 8192, PROT_READ, MAP_SHARED, ro, 0);
	CHECK(m != MAP_FAILED);
	CHECK(memcmp(m + 4000, "by store", 8) == 0);
	CHECK_ERR(msync(m + 1, 8192, MS_SYNC), EINVAL);
	return done();
}
