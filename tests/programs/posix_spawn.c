/* SPDX-License-Identifier: MIT */
/* posix_spawn with file actions and attributes, posix_spawnp, and a program that is missing. */
#include "check.h"
#include <spawn.h>

extern char **environ;

int main(void)
{
	char *args[] = {"sh", "-c", "read x; echo got $x; exit 4", NULL};
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t all;
	int in[2], out[2];
	char buf[32];
	pid_t pid = 0;

	CHECK_EQ(setenv("PATH", "/bin:/usr/bin", 1), 0);
	CHECK_EQ(pipe2(in, O_CLOEXEC), 0);
	CHECK_EQ(pipe2(out, O_CLOEXEC), 0);
	CHECK_EQ(posix_spawn_file_actions_init(&fa), 0);
	CHECK_EQ(posix_spawn_file_actions_adddup2(&fa, in[0], 0), 0);
	CHECK_EQ(posix_spawn_file_actions_adddup2(&fa, out[1], 1), 0);
	CHECK_EQ(posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY, 0), 0);
	CHECK_EQ(posix_spawnattr_init(&attr), 0);
	sigfillset(&all);
	CHECK_EQ(posix_spawnattr_setsigdefault(&attr, &all), 0);
	CHECK_EQ(posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF), 0);
	CHECK_EQ(posix_spawn(&pid, "/bin/sh", &fa, &attr, args, environ), 0);
	CHECK_EQ(write(in[1], "word\n", 5), 5);
	CHECK_EXIT(pid, 4);
	CHECK_EQ(read(out[0], buf, sizeof(buf)), 9);
	CHECK(memcmp(buf, "got word\n", 9) == 0);
	CHECK_EQ(posix_spawn(&pid, "/no/such/program", NULL, NULL, args, environ), ENOENT);
	CHECK_EQ(posix_spawn(&pid, "/dev/null", NULL, NULL, args, environ), EACCES);
	args[2] = "exit 3";
	CHECK_EQ(posix_spawnp(&pid, "sh", NULL, NULL, args, environ), 0);
	CHECK_EXIT(pid, 3);
	CHECK_EQ(posix_spawnp(&pid, "no-such-program", NULL, NULL, args, environ), ENOENT);
	CHECK_ERR(wait(NULL), ECHILD);
	return done();
}
