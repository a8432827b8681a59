/* SPDX-License-Identifier: MIT */
/* 5000 open descriptors and more, some of them used after a fork; EMFILE at the limit. */
#include "check.h"
#include <sys/resource.h>

#define COUNT 5200

int main(void)
{
	struct rlimit lim, small;
	char buf[4];
	int fd, i;
	pid_t pid;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &lim), 0);
	if (lim.rlim_max < COUNT + 100)
		SKIP("the hard limit of descriptors is too low");
	lim.rlim_cur = COUNT + 100;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &lim), 0);
	enter_scratch();
	closefrom(3);
	write_file("f", "abcd");
	for (i = 3; i < COUNT; i++) {
		fd = open("f", O_RDONLY);
		CHECK_EQ(fd, i);
	}
	CHECK_EQ(pread(COUNT - 1, buf, 4, 0), 4);
	CHECK(memcmp(buf, "abcd", 4) == 0);
	CHECK_EQ(close(4000), 0);
	CHECK_EQ(dup(3), 4000);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		for (i = 3; i < COUNT; i += 7)
			CHECK_EQ(pread(i, buf, 1, 1), 1);
		CHECK_EQ(close(COUNT - 1), 0);
		CHECK_EQ(open("f", O_RDONLY), COUNT - 1);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	small = lim;
	small.rlim_cur = COUNT;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &small), 0);
	CHECK_ERR(open("f", O_RDONLY), EMFILE);
	CHECK_EQ(close(3), 0);
	CHECK_EQ(open("f", O_RDONLY), 3);
	for (i = 3; i < COUNT; i++)
		CHECK_EQ(close(i), 0);
	return done();
}
