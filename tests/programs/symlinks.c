/* SPDX-License-Identifier: MIT */
/* symlink, readlink with a short buffer, dangling links, loops, O_NOFOLLOW. */
#include "check.h"

int main(void)
{
	char buf[64];
	struct stat st;

	enter_scratch();
	write_file("target", "data");
	CHECK_EQ(symlink("target", "l1"), 0);
	CHECK_EQ(symlink("l1", "l2"), 0);
	check_file("l2", "data");
	memset(buf, '#', sizeof(buf));
	CHECK_EQ(readlink("l1", buf, 3), 3);
	CHECK(memcmp(buf, "tar#", 4) == 0);
	CHECK_EQ(readlink("l1", buf, sizeof(buf)), 6);
	CHECK_EQ(lstat("l1", &st), 0);
	CHECK(S_ISLNK(st.st_mode));
	CHECK_EQ(st.st_size, 6);
	CHECK_ERR(readlink("target", buf, sizeof(buf)), EINVAL);
	CHECK_EQ(symlink("nothing", "dangling"), 0);
	CHECK_ERR(open("dangling", O_RDONLY), ENOENT);
	CHECK_EQ(lstat("dangling", &st), 0);
	CHECK_EQ(symlink("loop", "loop"), 0);
	CHECK_ERR(open("loop", O_RDONLY), ELOOP);
	CHECK_ERR(open("l1", O_RDONLY | O_NOFOLLOW), ELOOP);
	CHECK_EQ(unlink("l1"), 0);
	check_file("target", "data");
	CHECK_ERR(open("l2", O_RDONLY), ENOENT);
	return done();
}
