/* SPDX-License-Identifier: MIT */
/* Where a thread's stack is: of the first thread, of another one, in a child. */
#include "check.h"
#include <pthread.h>
#include <sys/wait.h>

static void *look(void *unused)
{
	pthread_attr_t attr;
	char *address, *here = (char *)&attr;
	size_t bytes;
	int detached;

	CHECK_EQ(pthread_getattr_np(pthread_self(), &attr), 0);
	CHECK_EQ(pthread_attr_getstack(&attr, (void **)&address, &bytes), 0);
	CHECK(address < here && here < address + bytes);
	CHECK_EQ(pthread_attr_getdetachstate(&attr, &detached), 0);
	CHECK_EQ(detached, PTHREAD_CREATE_JOINABLE);
	CHECK_EQ(pthread_attr_destroy(&attr), 0);
	return unused;
}

int main(void)
{
	pthread_t thread;
	int status;
	pid_t pid;

	look(NULL);
	CHECK_EQ(pthread_create(&thread, NULL, look, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		look(NULL);
		return done();
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	return done();
}
