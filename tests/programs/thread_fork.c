/* SPDX-License-Identifier: MIT */
/* fork in a process with threads, from main and from a thread; the child has one thread only. */
#include "check.h"
#include <pthread.h>

static int p[2], atfork_child;

static void in_child(void)
{
	atfork_child++;
}

static void *sleeper(void *arg)
{
	char c;

	(void)arg;
	CHECK_EQ(read(p[0], &c, 1), 1);
	return NULL;
}

static void *forker(void *arg)
{
	pid_t pid = fork();

	(void)arg;
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQ(gettid(), getpid());
		CHECK_EQ(atfork_child, 1);
		_exit(11);
	}
	CHECK_EXIT(pid, 11);
	return NULL;
}

static void *quick(void *arg)
{
	return arg;
}

int main(void)
{
	pthread_t a, b, c;
	pid_t pid;

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(pthread_atfork(NULL, NULL, in_child), 0);
	CHECK_EQ(pthread_create(&a, NULL, sleeper, NULL), 0);
	CHECK_EQ(pthread_create(&b, NULL, forker, NULL), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQ(pthread_create(&c, NULL, quick, NULL), 0);
		CHECK_EQ(pthread_join(c, NULL), 0);
		_exit(12);
	}
	CHECK_EXIT(pid, 12);
	CHECK_EQ(pthread_join(b, NULL), 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(pthread_join(a, NULL), 0);
	CHECK_EQ(atfork_child, 0);
	return done();
}
