/* SPDX-License-Identifier: MIT */
/* Shared anonymous memory between a parent and its child, ordered by pipes. */
#include "check.h"
#include <sys/mman.h>

int main(void)
{
	int *m, p[2], q[2], i;
	char c;
	pid_t pid;

	m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(m != MAP_FAILED);
	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(pipe(q), 0);
	m[0] = 5;
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		for (i = 0; i < 10; i++) {
			CHECK_EQ(read(p[0], &c, 1), 1);
			CHECK_EQ(m[0], 5 + 2 * i);
			m[0]++;
			CHECK_EQ(write(q[1], "c", 1), 1);
		}
		_exit(0);
	}
	for (i = 0; i < 10; i++) {
		CHECK_EQ(write(p[1], "p", 1), 1);
		CHECK_EQ(read(q[0], &c, 1), 1);
		CHECK_EQ(m[0], 6 + 2 * i);
		m[0]++;
	}
	CHECK_EXIT(pid, 0);
	printf("%d\n", m[0]);
	return done();
}
