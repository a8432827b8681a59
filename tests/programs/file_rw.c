/* SPDX-License-Identifier: MIT */
/* Regular files: read, write, lseek, pread, pwrite, ftruncate, truncate, fsync. */
#include "check.h"

int main(void)
{
	char buf[64];
	struct stat st;
	int fd;

	enter_scratch();
	fd = open("f", O_CREAT | O_RDWR | O_TRUNC, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "0123456789", 10), 10);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 10);
	CHECK_EQ(lseek(fd, -4, SEEK_END), 6);
	CHECK_EQ(read(fd, buf, sizeof(buf)), 4);
	CHECK(memcmp(buf, "6789", 4) == 0);
	CHECK_EQ(read(fd, buf, sizeof(buf)), 0);
	CHECK_EQ(pwrite(fd, "XY", 2, 3), 2);
	CHECK_EQ(pread(fd, buf, 5, 2), 5);
	CHECK(memcmp(buf, "2XY56", 5) == 0);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 10);
	CHECK_EQ(lseek(fd, 20, SEEK_SET), 20);
	CHECK_EQ(write(fd, "z", 1), 1);
	CHECK_EQ(pread(fd, buf, 3, 15), 3);
	CHECK(memcmp(buf, "\0\0\0", 3) == 0);
	CHECK_EQ(ftruncate(fd, 7), 0);
	CHECK_EQ(fsync(fd), 0);
	CHECK_EQ(fdatasync(fd), 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_size, 7);
	CHECK_EQ(truncate("f", 100), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 100);
	CHECK_ERR(lseek(fd, -1, SEEK_SET), EINVAL);
	CHECK_EQ(close(fd), 0);
	fd = open("f", O_RDONLY);
	CHECK(fd >= 0);
	CHECK_ERR(write(fd, "a", 1), EBADF);
	CHECK_EQ(read(fd, buf, 7), 7);
	CHECK(memcmp(buf, "012XY56", 7) == 0);
	CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL), 0);
	CHECK_EQ(readahead(fd, 0, 100), 0);
	CHECK_EQ(close(fd), 0);
	return done();
}
