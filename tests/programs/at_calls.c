/* SPDX-License-Identifier: MIT */
/* The *at calls with a directory descriptor that isn't the working directory. */
#include "check.h"

int main(void)
{
	char buf[64];
	struct stat st;
	int dir, fd;

	enter_scratch();
	CHECK_EQ(mkdir("d", 0755), 0);
	dir = open("d", O_PATH | O_DIRECTORY);
	CHECK(dir >= 0);
	CHECK_EQ(mkdirat(dir, "sub", 0700), 0);
	fd = openat(dir, "sub/f", O_CREAT | O_WRONLY, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "hello", 5), 5);
	CHECK_EQ(close(fd), 0);
	check_file("d/sub/f", "hello");
	CHECK_EQ(fstatat(dir, "sub/f", &st, 0), 0);
	CHECK_EQ(st.st_size, 5);
	CHECK_EQ(fstatat(dir, "", &st, AT_EMPTY_PATH), 0);
	CHECK(S_ISDIR(st.st_mode));
	CHECK_EQ(symlinkat("sub/f", dir, "link"), 0);
	CHECK_EQ(readlinkat(dir, "link", buf, sizeof(buf)), 5);
	CHECK(memcmp(buf, "sub/f", 5) == 0);
	CHECK_EQ(fstatat(dir, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
	CHECK(S_ISLNK(st.st_mode));
	CHECK_EQ(linkat(dir, "sub/f", AT_FDCWD, "g", 0), 0);
	check_file("g", "hello");
	CHECK_EQ(faccessat(dir, "sub/f", R_OK, 0), 0);
	CHECK_ERR(faccessat(dir, "g", F_OK, 0), ENOENT);
	CHECK_EQ(fchmodat(dir, "sub/f", 0640, 0), 0);
	CHECK_EQ(stat("d/sub/f", &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0640);
	CHECK_EQ(renameat(dir, "sub/f", dir, "moved"), 0);
	check_file("d/moved", "hello");
	CHECK_EQ(unlinkat(dir, "sub", AT_REMOVEDIR), 0);
	CHECK_EQ(unlinkat(dir, "moved", 0), 0);
	CHECK_EQ(unlinkat(dir, "link", 0), 0);
	CHECK_ERR(openat(-1, "x", O_RDONLY), EBADF);
	CHECK_ERR(openat(0x7fff, "x", O_RDONLY), EBADF);
	CHECK_EQ(rmdir("d"), 0);
	CHECK_ERR(openat(dir, "x", O_CREAT | O_WRONLY, 0600), ENOENT);
	return done();
}
