/* SPDX-License-Identifier: MIT */
/* F_GETFL, F_SETFL, F_SETFD, FIONBIO, F_SETOWN, F_GET_SEALS on something without seals. */
#include "check.h"
#include <sys/ioctl.h>

int main(void)
{
	int fd, p[2], on = 1;

	enter_scratch();
	fd = open("f", O_CREAT | O_RDWR | O_APPEND, 0600);
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK), O_RDWR | O_APPEND);
	CHECK_EQ(fcntl(fd, F_SETFL, O_NONBLOCK | O_WRONLY), 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK), O_RDWR | O_NONBLOCK);
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
	CHECK_EQ(fcntl(fd, F_SETFD, FD_CLOEXEC), 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(ioctl(p[0], FIONBIO, &on), 0);
	CHECK(fcntl(p[0], F_GETFL) & O_NONBLOCK);
	on = 0;
	CHECK_EQ(ioctl(p[0], FIONBIO, &on), 0);
	CHECK_EQ(fcntl(p[0], F_GETFL) & O_NONBLOCK, 0);
	CHECK_EQ(ioctl(p[0], FIOCLEX), 0);
	CHECK_EQ(fcntl(p[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(p[0], F_SETOWN, getpid()), 0);
	CHECK_EQ(fcntl(p[0], F_GETOWN), getpid());
	CHECK_ERR(ioctl(p[0], TIOCGWINSZ, &on), ENOTTY);
	CHECK_ERR(fcntl(p[0], F_GET_SEALS), EINVAL);
	CHECK_ERR(fcntl(p[0], 12345), EINVAL);
	CHECK_EQ(isatty(p[0]), 0);
	return done();
}
