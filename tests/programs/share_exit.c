/* SPDX-License-Identifier: MIT */
/* cc: -pthread */
/*
 * A process that shares memory exits or crashes while its other threads are at work that others may
 * notice: its parent goes on.
 */
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>

enum { THREADS = 4, ROUNDS = 60 };

static atomic_uint *written;
static int out[2];

static void *work(void *unused)
{
	for (;;) {
		if (write(out[1], "x", 1) != 1)
			return unused;
		atomic_fetch_add(written, 1);
	}
}

static _Noreturn void child(int round)
{
	pthread_t thread;

	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&thread, NULL, work, NULL), 0);
	CHECK_EQ(write(out[1], "x", 1), 1);
	if (round % 2)
		raise(SIGSEGV);
	for (volatile char *nowhere = NULL; round % 3 == 0;)
		*nowhere = 1;
	_exit(7);
}

int main(void)
{
	written = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(written != MAP_FAILED);
	for (int round = 0; round < ROUNDS; round++) {
		char bytes[64];
		int status;
		pid_t pid;

		CHECK_EQ(pipe(out), 0);
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0)
			child(round);
		CHECK_EQ(close(out[1]), 0);
		while (read(out[0], bytes, sizeof(bytes)) > 0)
			;
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		if (round % 2 || round % 3 == 0)
			CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
		else
			CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
		CHECK_EQ(close(out[0]), 0);
	}
	return done();
}
