/* SPDX-License-Identifier: MIT */
/* vfork children whose exec fails, and some that spawn in turn. */
#include "check.h"

#include <pthread.h>
#include <spawn.h>

extern char **environ;

static volatile int error;

static void fails(void)
{
	char *args[] = {"nothing", NULL};
	pid_t pid = vfork();

	CHECK(pid >= 0);
	if (pid == 0) {
		execve("/nonexistent/program", args, environ);
		error = errno; /* the parent sees it */
		_exit(127);
	}
	CHECK_EQ(error, ENOENT);
	CHECK_EXIT(pid, 127);
	error = 0;
}

static void spawns(const char *command, int code)
{
	char *args[] = {"sh", "-c", (char *)command, NULL};
	pid_t pid;

	CHECK_EQ(posix_spawn(&pid, "/bin/sh", NULL, NULL, args, environ), 0);
	CHECK_EXIT(pid, code);
}

static void *many(void *arg)
{
	for (int i = 0; i < 5; i++)
		spawns("exit 9", 9);
	return arg;
}

int main(void)
{
	char *none[] = {"nothing", NULL};
	posix_spawn_file_actions_t actions;
	pthread_t threads[3];
	pid_t pid;

	for (int i = 0; i < 5; i++)
		fails();
	CHECK_EQ(posix_spawn(&pid, "/nonexistent/program", NULL, NULL, none, environ), ENOENT);
	CHECK_EQ(posix_spawn_file_actions_init(&actions), 0);
	CHECK_EQ(posix_spawn_file_actions_addopen(&actions, 1, "/nonexistent/file", O_RDONLY, 0),
		 0);
	CHECK_EQ(posix_spawn(&pid, "/bin/sh", &actions, NULL, none, environ), ENOENT);
	spawns("sh -c 'sh -c \"exit 3\"; exit $(($? + 1))'", 4);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, many, NULL), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_ERR(waitpid(-1, NULL, WNOHANG), ECHILD);
	return done();
}
