/* SPDX-License-Identifier: MIT */
/* Bad pointers give EFAULT and nothing else: read, write, open, stat, pipe, writev, and others. */
#include "check.h"
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

int main(void)
{
	char *page, c = 'k';
	struct iovec iov[2] = {{&c, 1}, {NULL, 4}};
	int fd, s[2], p[2];

	enter_scratch();
	/* One page that can be used, and nothing behind it. */
	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED);
	CHECK_EQ(munmap(page + 4096, 4096), 0);
	write_file("f", "0123456789");
	fd = open("f", O_RDWR);
	CHECK_ERR(syscall(SYS_read, fd, page + 4096, 4), EFAULT);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
	CHECK_ERR(syscall(SYS_write, fd, page + 4096, 4), EFAULT);
	CHECK_ERR(syscall(SYS_write, 1, NULL, 4), EFAULT);
	CHECK_ERR(syscall(SYS_openat, AT_FDCWD, page + 4096, O_RDONLY, 0), EFAULT);
	CHECK_ERR(syscall(SYS_openat, AT_FDCWD, NULL, O_RDONLY, 0), EFAULT);
	memset(page, 'n', 4096);
	/* No end of the string before the page ends. */
	CHECK_ERR(syscall(SYS_openat, AT_FDCWD, page + 4090, O_RDONLY, 0), EFAULT);
	CHECK_ERR(syscall(SYS_newfstatat, AT_FDCWD, "f", page + 4096, 0), EFAULT);
	CHECK_ERR(syscall(SYS_newfstatat, AT_FDCWD, (char *)1, page, 0), EFAULT);
	CHECK_ERR(syscall(SYS_pipe2, page + 4096, 0), EFAULT);
	CHECK_ERR(syscall(SYS_getcwd, page + 4096, 100), EFAULT);
	CHECK_EQ(pipe(p), 0);
	/* What lies before the bad part may be written or not; never more. */
	CHECK(syscall(SYS_writev, p[1], iov, 2) <= 1);
	CHECK_ERR(syscall(SYS_writev, p[1], page + 4096, 2), EFAULT);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	CHECK_ERR(syscall(SYS_sendto, s[0], page + 4096, 4, 0, NULL, 0), EFAULT);
	CHECK_ERR(syscall(SYS_sendmsg, s[0], NULL, 0), EFAULT);
	CHECK_ERR(syscall(SYS_rt_sigaction, SIGUSR1, page + 4096, NULL, 8), EFAULT);
	CHECK_ERR(syscall(SYS_nanosleep, NULL, NULL), EFAULT);
	CHECK_ERR(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, page + 4096), EFAULT);
	/* A buffer that reaches into nowhere, but isn't needed so far. */
	CHECK_EQ(syscall(SYS_read, fd, page + 4086, 100), 10);
	CHECK(memcmp(page + 4086, "0123456789", 10) == 0);
	return done();
}
