/* SPDX-License-Identifier: MIT */
/* needs: root */
/* A server drops root: groups, gid and uid to nobody, for good; files are refused then. */
#include "check.h"
#include <grp.h>

#define NOBODY 65534

int main(void)
{
	gid_t groups[4] = {1234, 2345}, got[4];
	struct stat st;
	uid_t r, e, s;
	int fd;

	enter_scratch();
	write_file("private", "secret");
	CHECK_EQ(chmod("private", 0600), 0);
	CHECK_EQ(chmod(".", 0777), 0);
	CHECK_EQ(seteuid(NOBODY), 0);
	CHECK_ERR(open("private", O_RDONLY), EACCES);
	CHECK_EQ(seteuid(0), 0);
	CHECK_EQ(setgroups(2, groups), 0);
	CHECK_EQ(getgroups(4, got), 2);
	CHECK(got[0] == 1234 && got[1] == 2345);
	CHECK_EQ(setgid(NOBODY), 0);
	CHECK_EQ(setuid(NOBODY), 0);
	CHECK_EQ(getresuid(&r, &e, &s), 0);
	CHECK(r == NOBODY && e == NOBODY && s == NOBODY);
	CHECK_EQ(getegid(), NOBODY);
	CHECK_ERR(setuid(0), EPERM);
	CHECK_ERR(setgroups(2, groups), EPERM);
	CHECK_ERR(open("private", O_RDONLY), EACCES);
	fd = open("mine", O_CREAT | O_WRONLY, 0644);
	CHECK(fd >= 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK(st.st_uid == NOBODY && st.st_gid == NOBODY);
	return done();
}
