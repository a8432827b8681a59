/* SPDX-License-Identifier: MIT */
/* O_EXCL on an existing file, O_TMPFILE made visible by linkat, the mode under a umask. */
#include "check.h"

int main(void)
{
	struct stat st;
	char path[64];
	int fd;

	enter_scratch();
	umask(027);
	fd = open("f", O_CREAT | O_EXCL | O_WRONLY, 0666);
	CHECK(fd >= 0);
	CHECK_EQ(close(fd), 0);
	CHECK_ERR(open("f", O_CREAT | O_EXCL | O_WRONLY, 0666), EEXIST);
	CHECK_ERR(open("missing", O_RDONLY), ENOENT);
	CHECK_ERR(open("f/x", O_RDONLY), ENOTDIR);
	CHECK_ERR(open(".", O_WRONLY), EISDIR);
	CHECK_EQ(stat("f", &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0640);
	fd = creat("g", 0777);
	CHECK(fd >= 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0750);
	CHECK_EQ(close(fd), 0);

	fd = open(".", O_TMPFILE | O_RDWR, 0600);
	if (fd < 0 && errno == EOPNOTSUPP)
		return done();
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "hidden", 6), 6);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_nlink, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_EQ(linkat(AT_FDCWD, path, AT_FDCWD, "seen", AT_SYMLINK_FOLLOW), 0);
	check_file("seen", "hidden");
	return done();
}
