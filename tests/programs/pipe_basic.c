/* SPDX-License-Identifier: MIT */
/* pipe, pipe2: flags, a full pipe, its size, FIONREAD, end of file. */
#include "check.h"
#include <sys/ioctl.h>

int main(void)
{
	static char block[65536];
	int p[2], n = -1, size, total = 0;
	char buf[16];
	ssize_t k;

	CHECK_EQ(pipe2(p, O_NONBLOCK | O_CLOEXEC), 0);
	CHECK_EQ(fcntl(p[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(p[0], F_GETFL), O_NONBLOCK | O_RDONLY);
	CHECK_EQ(fcntl(p[1], F_GETFL), O_NONBLOCK | O_WRONLY);
	CHECK_ERR(read(p[0], buf, 1), EAGAIN);
	CHECK_EQ(write(p[1], "abc", 3), 3);
	CHECK_EQ(ioctl(p[0], FIONREAD, &n), 0);
	CHECK_EQ(n, 3);
	CHECK_EQ(read(p[0], buf, sizeof(buf)), 3);
	size = fcntl(p[1], F_GETPIPE_SZ);
	CHECK(size >= 4096);
	while ((k = write(p[1], block, 4096)) > 0)
		total += k;
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(total, size);
	while ((k = read(p[0], block, sizeof(block))) > 0)
		total -= k;
	CHECK_EQ(total, 0);
	CHECK_EQ(close(p[1]), 0);
	CHECK_EQ(read(p[0], buf, 1), 0);
	CHECK_ERR(lseek(p[0], 0, SEEK_SET), ESPIPE);
	CHECK_ERR(pipe2(p, 0x7), EINVAL);
	return done();
}
