/* SPDX-License-Identifier: MIT */
/* chmod, fchmod, chown to oneself, umask, utimensat, futimens and utimes. */
#include "check.h"
#include <sys/time.h>

int main(void)
{
	struct timespec ts[2] = {{1000000000, 5}, {1100000000, 7}};
	struct timeval tv[2] = {{1200000000, 0}, {1300000000, 0}};
	struct stat st;
	int fd;

	enter_scratch();
	umask(022);
	CHECK_EQ(umask(077), 022);
	write_file("f", "x");
	CHECK_EQ(stat("f", &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0600);
	CHECK_EQ(chmod("f", 0751), 0);
	fd = open("f", O_RDWR);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0751);
	CHECK_EQ(fchmod(fd, 0604), 0);
	CHECK_EQ(fchown(fd, geteuid(), getegid()), 0);
	CHECK_EQ(lchown("f", -1, -1), 0);
	CHECK_EQ(utimensat(AT_FDCWD, "f", ts, 0), 0);
	CHECK_EQ(stat("f", &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0604);
	CHECK_EQ(st.st_atim.tv_sec, 1000000000);
	CHECK_EQ(st.st_mtim.tv_sec, 1100000000);
	CHECK_EQ(st.st_mtim.tv_nsec, 7);
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_nsec = UTIME_NOW;
	CHECK_EQ(futimens(fd, ts), 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_atim.tv_sec, 1000000000);
	CHECK(st.st_mtim.tv_sec > 1100000000);
	CHECK_EQ(utimes("f", tv), 0);
	CHECK_EQ(stat("f", &st), 0);
	CHECK_EQ(st.st_mtim.tv_sec, 1300000000);
	CHECK_ERR(chmod("g", 0600), ENOENT);
	return done();
}
