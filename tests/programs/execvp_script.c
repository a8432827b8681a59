/* SPDX-License-Identifier: MIT */
/* execvp finds a script in PATH; its #! line names the interpreter; fexecve of a program. */
#include "check.h"

extern char **environ;

int main(void)
{
	char cwd[4096], *args[] = {"script", "two", NULL};
	char *true_args[] = {"sh", "-c", "exit 8", NULL};
	int fd;
	pid_t pid;

	enter_scratch();
	CHECK(getcwd(cwd, sizeof(cwd)));
	write_file("script", "#!/bin/sh -e\necho script $1 in $#\nexit 17\n");
	CHECK_EQ(chmod("script", 0755), 0);
	write_file("plain", "echo no interpreter line; exit 18\n");
	CHECK_EQ(chmod("plain", 0755), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQ(setenv("PATH", strcat(cwd, ":/bin:/usr/bin"), 1), 0);
		execvp("script", args);
		_exit(99);
	}
	CHECK_EXIT(pid, 17);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		execvp("./plain", args); /* ENOEXEC: libc tries the shell */
		_exit(99);
	}
	CHECK_EXIT(pid, 18);
	fd = open("/bin/sh", O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		fexecve(fd, true_args, environ);
		_exit(99);
	}
	CHECK_EXIT(pid, 8);
	return done();
}
