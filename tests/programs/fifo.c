/* SPDX-License-Identifier: MIT */
/* A FIFO between parent and child; the opening waits for the other side. */
#include "check.h"

int main(void)
{
	char buf[16];
	struct stat st;
	int fd;
	pid_t pid;

	enter_scratch();
	CHECK_EQ(mkfifo("fifo", 0600), 0);
	CHECK_EQ(stat("fifo", &st), 0);
	CHECK(S_ISFIFO(st.st_mode));
	CHECK_ERR(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		fd = open("fifo", O_WRONLY);
		CHECK(fd >= 0);
		CHECK_EQ(write(fd, "through", 7), 7);
		_exit(0);
	}
	fd = open("fifo", O_RDONLY);
	CHECK(fd >= 0);
	CHECK_EQ(read(fd, buf, sizeof(buf)), 7);
	CHECK(memcmp(buf, "through", 7) == 0);
	CHECK_EQ(read(fd, buf, sizeof(buf)), 0);
	CHECK_EXIT(pid, 0);
	return done();
}
