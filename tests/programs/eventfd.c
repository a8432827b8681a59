/* SPDX-License-Identifier: MIT */
/* eventfd as counter and as semaphore, its limit, waking a child. */
#include "check.h"
#include <sys/eventfd.h>

int main(void)
{
	uint64_t v = 3;
	int e = eventfd(2, EFD_NONBLOCK), s, w;
	pid_t pid;

	CHECK(e >= 0);
	CHECK_EQ(write(e, &v, 8), 8);
	CHECK_EQ(read(e, &v, 8), 8);
	CHECK_EQ(v, 5);
	CHECK_ERR(read(e, &v, 8), EAGAIN);
	CHECK_ERR(read(e, &v, 4), EINVAL);
	v = UINT64_MAX - 1;
	CHECK_EQ(write(e, &v, 8), 8);
	v = 1;
	CHECK_ERR(write(e, &v, 8), EAGAIN);
	s = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
	CHECK_EQ(read(s, &v, 8), 8);
	CHECK_EQ(v, 1);
	CHECK_EQ(read(s, &v, 8), 8);
	CHECK_ERR(read(s, &v, 8), EAGAIN);
	w = eventfd(0, 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQ(read(w, &v, 8), 8);
		_exit(v);
	}
	v = 42;
	CHECK_EQ(write(w, &v, 8), 8);
	CHECK_EXIT(pid, 42);
	return done();
}
