/* SPDX-License-Identifier: MIT */
/* chdir, fchdir, getcwd, and a child whose working directory is its own. */
#include "check.h"

int main(void)
{
	char top[4096], now[4096];
	int fd;
	pid_t pid;

	enter_scratch();
	CHECK(getcwd(top, sizeof(top)));
	CHECK_EQ(mkdir("sub", 0755), 0);
	CHECK_EQ(mkdir("sub/deep", 0755), 0);
	fd = open(".", O_RDONLY | O_DIRECTORY);
	CHECK(fd >= 0);
	CHECK_EQ(chdir("sub/deep"), 0);
	CHECK(getcwd(now, sizeof(now)));
	CHECK(strncmp(now, top, strlen(top)) == 0);
	CHECK(strcmp(now + strlen(top), "/sub/deep") == 0);
	write_file("here", "x");
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQ(chdir(".."), 0);
		check_file("deep/here", "x");
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	check_file("here", "x");
	CHECK_EQ(fchdir(fd), 0);
	check_file("sub/deep/here", "x");
	CHECK(getcwd(now, sizeof(now)));
	CHECK(strcmp(now, top) == 0);
	CHECK_ERR(chdir("sub/deep/here"), ENOTDIR);
	CHECK_ERR(chdir("nowhere"), ENOENT);
	CHECK(!getcwd(now, 2) && errno == ERANGE);
	return done();
}
