/* SPDX-License-Identifier: MIT */
/* rename (also over a file), renameat2 without replacement and as an exchange, link, unlink. */
#include "check.h"

int main(void)
{
	struct stat st;
	int fd;

	enter_scratch();
	write_file("a", "A");
	write_file("b", "B");
	CHECK_EQ(link("a", "hard"), 0);
	CHECK_EQ(stat("a", &st), 0);
	CHECK_EQ(st.st_nlink, 2);
	CHECK_EQ(rename("a", "b"), 0);
	CHECK_ERR(stat("a", &st), ENOENT);
	check_file("b", "A");
	write_file("c", "C");
	CHECK_ERR(renameat2(AT_FDCWD, "b", AT_FDCWD, "c", RENAME_NOREPLACE), EEXIST);
	CHECK_EQ(renameat2(AT_FDCWD, "b", AT_FDCWD, "c", RENAME_EXCHANGE), 0);
	check_file("b", "C");
	check_file("c", "A");
	CHECK_ERR(link("b", "c"), EEXIST);
	fd = open("hard", O_RDONLY);
	CHECK_EQ(unlink("c"), 0);
	CHECK_EQ(unlink("hard"), 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(st.st_size, 1);
	CHECK_EQ(remove("b"), 0);
	CHECK_ERR(unlink("b"), ENOENT);
	CHECK_ERR(unlink("."), EISDIR);
	return done();
}
