/* SPDX-License-Identifier: MIT */
/* vfork and exec, also when the exec fails: the parent sees what the child wrote. */
#include "check.h"

extern char **environ;

int main(void)
{
	char *args[] = {"sh", "-c", "exit 6", NULL};
	volatile int error = 0, i;
	int status;
	pid_t pid;

	for (i = 0; i < 5; i++) {
		pid = vfork();
		if (pid == 0) {
			execve("/bin/sh", args, environ);
			_exit(99);
		}
		CHECK(pid > 0);
		CHECK_EXIT(pid, 6);
	}
	pid = vfork();
	if (pid == 0) {
		execve("/no/such/program", args, environ);
		error = errno;
		_exit(5);
	}
	CHECK(pid > 0);
	CHECK_EQ(error, ENOENT);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(WEXITSTATUS(status), 5);
	return done();
}
