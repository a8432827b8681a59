/* SPDX-License-Identifier: MIT */
/* fallocate: plain, keeping the size, and punching a hole. */
#include "check.h"

int main(void)
{
	char buf[8192];
	struct stat st;
	int fd;

	enter_scratch();
	fd = open("f", O_CREAT | O_RDWR, 0600);
	CHECK(fd >= 0);
	if (fallocate(fd, 0, 0, 16384) < 0 && errno == EOPNOTSUPP)
		SKIP("this file system has no fallocate");
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_size, 16384);
	CHECK_EQ(fallocate(fd, FALLOC_FL_KEEP_SIZE, 16384, 4096), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 16384);
	memset(buf, 'x', sizeof(buf));
	CHECK_EQ(pwrite(fd, buf, sizeof(buf), 4096), sizeof(buf));
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096) < 0) {
		CHECK_EQ(errno, EOPNOTSUPP);
		return done();
	}
	CHECK_EQ(pread(fd, buf, sizeof(buf), 4096), sizeof(buf));
	CHECK(buf[0] == 0 && buf[4095] == 0 && buf[4096] == 'x');
	CHECK_EQ(posix_fallocate(fd, 0, 32768), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 32768);
	CHECK_ERR(fallocate(fd, 0, -1, 10), EINVAL);
	return done();
}
