/* SPDX-License-Identifier: MIT */
/* expect: exit 5 */
/* exec from a thread other than main: all others end, the process id stays. */
#include "check.h"
#include <pthread.h>

static char **args;

static void *idle(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void *execs(void *arg)
{
	(void)arg;
	execv("/proc/self/exe", args);
	_exit(99);
}

int main(int argc, char **argv)
{
	char pid[16], *next[] = {argv[0], pid, NULL};
	pthread_t a, b;

	if (argc > 1) {
		CHECK_EQ(getpid(), atoi(argv[1]));
		CHECK_EQ(gettid(), getpid());
		puts("new image");
		return 5;
	}
	snprintf(pid, sizeof(pid), "%d", getpid());
	args = next;
	CHECK_EQ(pthread_create(&a, NULL, idle, NULL), 0);
	CHECK_EQ(pthread_create(&b, NULL, execs, NULL), 0);
	for (;;)
		pause();
}
