/* SPDX-License-Identifier: MIT */
/* dup, dup2, dup3, F_DUPFD and F_DUPFD_CLOEXEC: lowest numbers, high numbers, shared offsets. */
#include "check.h"

int main(void)
{
	char buf[8];
	int fd, d;

	enter_scratch();
	write_file("f", "0123456789");
	fd = open("f", O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 3);
	d = dup(fd);
	CHECK_EQ(d, fd + 1);
	CHECK_EQ(fcntl(d, F_GETFD), 0);
	CHECK_EQ(read(fd, buf, 2), 2);
	CHECK_EQ(read(d, buf, 2), 2);
	CHECK(memcmp(buf, "23", 2) == 0);
	CHECK_EQ(dup2(fd, 900), 900);
	CHECK_EQ(dup2(900, 900), 900);
	CHECK_EQ(dup3(fd, 901, O_CLOEXEC), 901);
	CHECK_EQ(fcntl(901, F_GETFD), FD_CLOEXEC);
	CHECK_ERR(dup3(fd, fd, 0), EINVAL);
	CHECK_EQ(fcntl(fd, F_DUPFD, 900), 902);
	CHECK_EQ(fcntl(fd, F_DUPFD_CLOEXEC, 500), 500);
	CHECK_EQ(fcntl(500, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(read(902, buf, 1), 1);
	CHECK_EQ(buf[0], '4');
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(read(900, buf, 1), 1);
	CHECK_EQ(buf[0], '5');
	CHECK_EQ(open("f", O_RDONLY), fd); /* the lowest free number again */
	CHECK_EQ(dup2(fd, d), d);          /* over an open one */
	CHECK_EQ(read(d, buf, 1), 1);
	CHECK_EQ(buf[0], '0');
	CHECK_ERR(dup2(333, 444), EBADF);
	CHECK_ERR(dup2(fd, 1 << 28), EBADF);
	CHECK_ERR(fcntl(fd, F_DUPFD, 1 << 28), EINVAL);
	CHECK_ERR(close(333), EBADF);
	return done();
}
