/* SPDX-License-Identifier: MIT */
/* EBADF and EINVAL of many calls on descriptors that are closed, or of the wrong kind. */
#include "check.h"
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

int main(void)
{
	static const int bad[] = {-1, 300, 1 << 20, -100, 0x7fffffff};
	struct epoll_event ev;
	struct stat st;
	char c = 0;
	int p[2];
	size_t i;

	CHECK_EQ(pipe(p), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int fd = bad[i];

		CHECK_ERR(read(fd, &c, 1), EBADF);
		CHECK_ERR(write(fd, &c, 1), EBADF);
		CHECK_ERR(close(fd), EBADF);
		CHECK_ERR(dup(fd), EBADF);
		CHECK_ERR(fstat(fd, &st), EBADF);
		CHECK_ERR(lseek(fd, 0, SEEK_SET), EBADF);
		CHECK_ERR(fsync(fd), EBADF);
		CHECK_ERR(ftruncate(fd, 0), EBADF);
		CHECK_ERR(fcntl(fd, F_GETFL), EBADF);
		CHECK_ERR(ioctl(fd, FIONREAD, &p), EBADF);
		CHECK_ERR(send(fd, &c, 1, 0), EBADF);
		CHECK_ERR(recv(fd, &c, 1, 0), EBADF);
		CHECK_ERR(listen(fd, 1), EBADF);
		CHECK_ERR(epoll_wait(fd, &ev, 1, 0), EBADF);
		CHECK_ERR(fchdir(fd), EBADF);
		CHECK_ERR(dup2(fd, 50), EBADF);
	}
	CHECK_ERR(read(p[1], &c, 1), EBADF);
	CHECK_ERR(write(p[0], &c, 1), EBADF);
	CHECK_ERR(send(p[1], &c, 1, 0), ENOTSOCK);
	CHECK_ERR(epoll_wait(p[0], &ev, 1, 0), EINVAL);
	CHECK_ERR(fsync(p[0]), EINVAL);
	CHECK_ERR(fchdir(p[0]), ENOTDIR);
	CHECK_ERR(pread(p[0], &c, 1, 0), ESPIPE);
	CHECK_ERR(epoll_create1(0x55), EINVAL);
	CHECK_ERR(socket(AF_UNIX, 77, 0), EINVAL);
	CHECK_ERR(socket(999, SOCK_STREAM, 0), EAFNOSUPPORT);
	return done();
}
