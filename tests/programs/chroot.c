/* SPDX-License-Identifier: MIT */
/* needs: root */
/* chroot into the scratch directory: absolute paths mean another place afterwards. */
#include "check.h"

int main(void)
{
	char cwd[64];
	int fd;

	enter_scratch();
	CHECK_EQ(mkdir("jail", 0755), 0);
	write_file("jail/inside", "in jail");
	write_file("outside", "free");
	fd = open(".", O_RDONLY | O_DIRECTORY);
	CHECK(fd >= 0);
	CHECK_EQ(chroot("jail"), 0);
	CHECK_EQ(chdir("/"), 0);
	CHECK(getcwd(cwd, sizeof(cwd)));
	CHECK(strcmp(cwd, "/") == 0);
	check_file("/inside", "in jail");
	CHECK_ERR(open("/bin/sh", O_RDONLY), ENOENT);
	CHECK_ERR(open("/../outside", O_RDONLY), ENOENT);
	CHECK(openat(fd, "outside", O_RDONLY) >= 0);
	write_file("/made", "x");
	CHECK_EQ(faccessat(fd, "jail/made", F_OK, 0), 0);
	return done();
}
