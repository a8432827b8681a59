/* SPDX-License-Identifier: MIT */
/* Extended attributes by path and by descriptor. */
#include "check.h"
#include <sys/xattr.h>

int main(void)
{
	char buf[256];
	int fd;

	enter_scratch();
	write_file("f", "x");
	if (setxattr("f", "user.colour", "green", 5, 0) < 0 && errno == EOPNOTSUPP)
		SKIP("this file system has no user attributes");
	CHECK_EQ(getxattr("f", "user.colour", NULL, 0), 5);
	CHECK_EQ(getxattr("f", "user.colour", buf, sizeof(buf)), 5);
	CHECK(memcmp(buf, "green", 5) == 0);
	CHECK_ERR(getxattr("f", "user.colour", buf, 2), ERANGE);
	CHECK_ERR(setxattr("f", "user.colour", "red", 3, XATTR_CREATE), EEXIST);
	fd = open("f", O_RDWR);
	CHECK_EQ(fsetxattr(fd, "user.size", "9", 1, 0), 0);
	CHECK_EQ(fgetxattr(fd, "user.size", buf, sizeof(buf)), 1);
	CHECK(buf[0] == '9');
	CHECK(listxattr("f", buf, sizeof(buf)) >=
	      (ssize_t)(sizeof("user.colour") + sizeof("user.size")));
	CHECK_EQ(fremovexattr(fd, "user.size"), 0);
	CHECK_EQ(removexattr("f", "user.colour"), 0);
	CHECK_ERR(getxattr("f", "user.colour", buf, sizeof(buf)), ENODATA);
	return done();
}
