/* SPDX-License-Identifier: MIT */
/* Which descriptors survive an exec: the program runs itself and looks. */
#include "check.h"

int main(int argc, char **argv)
{
	char buf[8], *args[] = {argv[0], "again", NULL};
	int plain, cloexec, p[2];
	pid_t pid;

	if (argc > 1) {
		CHECK_EQ(fcntl(50, F_GETFD), 0);
		CHECK_EQ(fcntl(52, F_GETFD), 0);
		CHECK_EQ(read(50, buf, 3), 3);
		CHECK(memcmp(buf, "345", 3) == 0);
		CHECK_ERR(fcntl(51, F_GETFD), EBADF);
		CHECK_ERR(fcntl(53, F_GETFD), EBADF);
		CHECK_EQ(write(52, "done", 4), 4);
		return 21;
	}
	enter_scratch();
	write_file("f", "0123456789");
	plain = open("f", O_RDONLY);
	cloexec = open("f", O_RDONLY | O_CLOEXEC);
	CHECK(plain >= 0 && cloexec >= 0);
	CHECK_EQ(dup2(plain, 50), 50);
	CHECK_EQ(dup3(plain, 51, O_CLOEXEC), 51);
	CHECK_EQ(lseek(plain, 3, SEEK_SET), 3);
	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(dup2(p[1], 52), 52);
	CHECK_EQ(dup2(p[1], 53), 53);
	CHECK_EQ(fcntl(53, F_SETFD, FD_CLOEXEC), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		execv("/proc/self/exe", args);
		_exit(99);
	}
	CHECK_EQ(read(p[0], buf, sizeof(buf)), 4);
	CHECK_EXIT(pid, 21);
	CHECK_EQ(fcntl(51, F_GETFD), FD_CLOEXEC);
	return done();
}
