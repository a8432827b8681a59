/* SPDX-License-Identifier: MIT */
/* readv, writev, preadv, pwritev, preadv2, pwritev2, with empty parts among the vectors. */
#include "check.h"
#include <sys/syscall.h>
#include <sys/uio.h>

int main(void)
{
	char a[4], b[8], c[16];
	struct iovec out[4] = {{"abc", 3}, {"", 0}, {"defgh", 5}, {"ij", 2}};
	struct iovec in[3] = {{a, 4}, {b, 5}, {c, sizeof(c)}};
	int fd;

	enter_scratch();
	fd = open("f", O_CREAT | O_RDWR, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(writev(fd, out, 4), 10);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(readv(fd, in, 3), 10);
	CHECK(memcmp(a, "abcd", 4) == 0 && memcmp(b, "efghi", 5) == 0 && c[0] == 'j');
	CHECK_EQ(pwritev(fd, out + 2, 2, 100), 7);
	CHECK_EQ(preadv(fd, in, 2, 99), 8);
	CHECK(a[0] == 0 && memcmp(a + 1, "def", 3) == 0 && memcmp(b, "ghij", 4) == 0);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 10);
	CHECK_EQ(pwritev2(fd, out, 1, -1, 0), 3);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 13);
	CHECK_EQ(preadv2(fd, in, 1, 10, 0), 4);
	CHECK(memcmp(a, "abc", 3) == 0 && a[3] == 0);
	CHECK_EQ(writev(fd, out, 0), 0);
	CHECK_ERR(syscall(SYS_writev, fd, out, -1), EINVAL);
	CHECK_ERR(readv(-1, in, 1), EBADF);
	return done();
}
