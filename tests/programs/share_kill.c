/* SPDX-License-Identifier: MIT */
/*
 * Processes that share memory are killed at any moment while they write to pipes, which others may
 * notice: those that live go on.
 */
#include "check.h"
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>

enum { CHILDREN = 3, ROUNDS = 30 };

static atomic_uint *written;

static _Noreturn void child(int out)
{
	for (;;) {
		if (write(out, "x", 1) != 1)
			_exit(1);
		atomic_fetch_add(written, 1);
	}
}

static pid_t start(int out)
{
	pid_t pid = fork();

	if (pid == 0)
		child(out);
	CHECK(pid > 0);
	return pid;
}

int main(void)
{
	pid_t pid[CHILDREN];
	int sink[2], status;

	written = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(written != MAP_FAILED);
	CHECK_EQ(pipe(sink), 0);
	for (int i = 0; i < CHILDREN; i++)
		pid[i] = start(sink[1]);
	for (int round = 0; round < ROUNDS; round++) {
		char bytes[4096];
		int i = round % CHILDREN;

		for (unsigned got = 0; got < 100u + 7u * (unsigned)round;) {
			ssize_t n = read(sink[0], bytes, 100);

			CHECK(n > 0);
			got += (unsigned)n;
		}
		CHECK_EQ(kill(pid[i], SIGKILL), 0);
		CHECK_EQ(waitpid(pid[i], &status, 0), pid[i]);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		pid[i] = start(sink[1]);
	}
	for (int i = 0; i < CHILDREN; i++) {
		CHECK_EQ(kill(pid[i], SIGKILL), 0);
		CHECK_EQ(waitpid(pid[i], &status, 0), pid[i]);
	}
	return done();
}
