/* SPDX-License-Identifier: MIT */
/* close_range and closefrom: only what is in the range, CLOEXEC as an alternative. */
#include "check.h"
#include <linux/close_range.h>

int main(void)
{
	int i;

	for (i = 0; i < 10; i++)
		CHECK_EQ(dup2(0, 100 + i), 100 + i);
	if (close_range(102, 104, 0) < 0 && errno == ENOSYS)
		SKIP("the kernel has no close_range");
	for (i = 0; i < 10; i++) {
		if (i >= 2 && i <= 4)
			CHECK_ERR(fcntl(100 + i, F_GETFD), EBADF);
		else
			CHECK_EQ(fcntl(100 + i, F_GETFD), 0);
	}
	CHECK_EQ(close_range(105, 106, CLOSE_RANGE_CLOEXEC), 0);
	CHECK_EQ(fcntl(105, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(107, F_GETFD), 0);
	CHECK_ERR(close_range(20, 10, 0), EINVAL);
	closefrom(107);
	for (i = 107; i < 110; i++)
		CHECK_ERR(fcntl(i, F_GETFD), EBADF);
	CHECK_EQ(fcntl(106, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(close_range(3, ~0u, 0), 0);
	CHECK_ERR(fcntl(100, F_GETFD), EBADF);
	CHECK_EQ(open("/dev/null", O_RDONLY), 3);
	return done();
}
