/* SPDX-License-Identifier: MIT */
/* /proc/PID/exe of a program that was executed: by every name, of itself, parent and child. */
#include "check.h"

static char program[4096];

static void names_program(const char *path)
{
	char link[4096] = "";
	ssize_t n = readlink(path, link, sizeof(link) - 1);

	CHECK_EQ(n, strlen(program));
	CHECK(strcmp(link, program) == 0);
}

static void look(void)
{
	char path[64], few[8];
	struct stat self, file;
	int fd, dir;

	names_program("/proc/self/exe");
	names_program("/proc/thread-self/exe");
	snprintf(path, sizeof(path), "/proc/%d/exe", getpid());
	names_program(path);
	snprintf(path, sizeof(path), "/proc/%d/exe", getppid());
	names_program(path);
	CHECK_EQ(readlink("/proc/self/exe", few, sizeof(few)), sizeof(few));
	CHECK(memcmp(few, program, sizeof(few)) == 0);
	dir = open("/proc/self", O_RDONLY | O_DIRECTORY);
	CHECK_EQ(readlinkat(dir, "exe", path, sizeof(path) - 1) > 0, 1);
	CHECK(memcmp(path, program, 8) == 0);
	CHECK_EQ(fstatat(dir, "exe", &self, 0), 0);
	CHECK_EQ(close(dir), 0);
	CHECK_EQ(stat(program, &file), 0);
	CHECK(self.st_dev == file.st_dev && self.st_ino == file.st_ino);
	CHECK_EQ(lstat("/proc/self/exe", &self), 0);
	CHECK(S_ISLNK(self.st_mode));
	CHECK_EQ(access("/proc/self/exe", X_OK), 0);
	CHECK_ERR(open("/proc/self/exe", O_RDONLY | O_NOFOLLOW), ELOOP);
	fd = open("/proc/self/exe", O_RDONLY);
	CHECK(fd >= 0);
	CHECK_EQ(fstat(fd, &self), 0);
	CHECK(self.st_dev == file.st_dev && self.st_ino == file.st_ino);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	names_program(path);
	CHECK_EQ(close(fd), 0);
}

/* The child says that it runs, and waits to be told to end. */
static void look_at_child(char **argv)
{
	char path[64], byte, *args[] = {argv[0], "child", NULL};
	int up[2], down[2];
	pid_t pid;

	CHECK_EQ(pipe(up), 0);
	CHECK_EQ(pipe(down), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQ(dup2(down[0], 0), 0);
		CHECK_EQ(dup2(up[1], 1), 1);
		CHECK_EQ(close(down[1]), 0);
		execv("/proc/self/exe", args);
		_exit(99);
	}
	CHECK_EQ(read(up[0], &byte, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	names_program(path);
	CHECK_EQ(write(down[1], "x", 1), 1);
	CHECK_EXIT(pid, 0);
}

int main(int argc, char **argv)
{
	char *args[] = {argv[0], "2", NULL}, byte;
	int generation = argc > 1 ? atoi(argv[1]) : 3;
	ssize_t n;

	CHECK(realpath(argv[0], program));
	if (argc > 1 && strcmp(argv[1], "child") == 0) {
		CHECK_EQ(write(1, "x", 1), 1);
		CHECK_EQ(read(0, &byte, 1), 1);
		return 0;
	}
	n = readlink("/proc/self/exe", program, sizeof(program));
	CHECK(n > 0 && strcmp(strrchr(program, '/'), "/exec_exe") == 0);
	if (generation < 3) {
		look();
		look_at_child(argv);
	}
	if (generation == 0)
		return done();
	args[1] = generation == 3 ? "2" : generation == 2 ? "1" : "0";
	if (generation == 3) {
		/* The parent of the second generation is the program too. */
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid > 0) {
			CHECK_EXIT(pid, 0);
			return 0;
		}
	}
	execv("/proc/self/exe", args);
	return 99;
}
