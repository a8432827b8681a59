/* SPDX-License-Identifier: MIT */
/* stat, lstat, fstat, statx, statfs and access agree with each other. */
#include "check.h"
#include <sys/statfs.h>
#include <sys/sysmacros.h>

int main(void)
{
	struct stat st, same;
	struct statx sx;
	struct statfs fs;
	int fd;

	enter_scratch();
	write_file("f", "12345");
	CHECK_EQ(chmod("f", 0640), 0);
	CHECK_EQ(stat("f", &st), 0);
	CHECK(S_ISREG(st.st_mode));
	CHECK_EQ(st.st_mode & 07777, 0640);
	CHECK_EQ(st.st_size, 5);
	CHECK_EQ(st.st_nlink, 1);
	CHECK_EQ(st.st_uid, geteuid());
	fd = open("f", O_RDONLY);
	CHECK_EQ(fstat(fd, &same), 0);
	CHECK_EQ(same.st_ino, st.st_ino);
	CHECK_EQ(same.st_dev, st.st_dev);
	CHECK_EQ(lstat("f", &same), 0);
	CHECK_EQ(same.st_ino, st.st_ino);
	disclose(&st, sizeof(st));

	memset(&sx, 0, sizeof(sx));
	CHECK_EQ(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &sx), 0);
	CHECK_EQ(sx.stx_ino, st.st_ino);
	CHECK_EQ(sx.stx_size, 5);
	CHECK_EQ(sx.stx_mtime.tv_nsec, st.st_mtim.tv_nsec);
	CHECK_EQ(makedev(sx.stx_dev_major, sx.stx_dev_minor), st.st_dev);
	CHECK_EQ(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &sx), 0);
	CHECK_EQ(sx.stx_size, 5);

	CHECK_EQ(statfs(".", &fs), 0);
	CHECK(fs.f_bsize > 0 && fs.f_namelen >= 255);
	CHECK_EQ(fstatfs(fd, &fs), 0);
	CHECK_EQ(access("f", F_OK), 0);
	CHECK_EQ(access("f", R_OK | W_OK), 0);
	CHECK_ERR(access("f", X_OK), EACCES);
	CHECK_ERR(access("g", F_OK), ENOENT);
	CHECK_ERR(stat("g", &st), ENOENT);
	CHECK_EQ(stat("/dev/null", &st), 0);
	CHECK(S_ISCHR(st.st_mode));
	CHECK_EQ(st.st_rdev, makedev(1, 3));
	return done();
}
