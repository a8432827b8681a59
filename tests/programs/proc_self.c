/* SPDX-License-Identifier: MIT */
/* /proc/self/exe, cmdline, stat, cwd, and /proc/PID of a child. */
#include "check.h"

int main(int argc, char **argv)
{
	char path[4096], buf[4096], cwd[4096], *base;
	ssize_t n;
	int fd, pid;
	pid_t child;

	CHECK_EQ(argc, 1);
	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	CHECK(n > 0);
	path[n] = 0;
	base = strrchr(path, '/');
	CHECK(base && strcmp(base, "/proc_self") == 0);
	fd = open("/proc/self/cmdline", O_RDONLY);
	n = read(fd, buf, sizeof(buf));
	CHECK_EQ(n, strlen(argv[0]) + 1);
	CHECK(strcmp(buf, argv[0]) == 0);
	CHECK_EQ(close(fd), 0);
	fd = open("/proc/self/stat", O_RDONLY);
	n = read(fd, buf, sizeof(buf) - 1);
	CHECK(n > 0);
	buf[n] = 0;
	CHECK_EQ(sscanf(buf, "%d (proc_self)", &pid), 1);
	CHECK_EQ(pid, getpid());
	CHECK_EQ(close(fd), 0);
	enter_scratch();
	CHECK(getcwd(cwd, sizeof(cwd)));
	n = readlink("/proc/self/cwd", path, sizeof(path) - 1);
	CHECK_EQ(n, strlen(cwd));
	CHECK(memcmp(path, cwd, n) == 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		for (;;)
			pause();
	}
	snprintf(path, sizeof(path), "/proc/%d/cwd", child);
	CHECK_EQ(readlink(path, buf, sizeof(buf)), n);
	CHECK(memcmp(buf, cwd, n) == 0);
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	return done();
}
