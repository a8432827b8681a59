/* SPDX-License-Identifier: MIT */
/* 8 MB in one write: to a file, and through a socketpair to a child that sums them up. */
#include "check.h"
#include <sys/socket.h>

#define SIZE (8u << 20)

static uint32_t sum(const unsigned char *p, size_t n)
{
	uint32_t s = 1;

	while (n--)
		s = s * 31 + *p++;
	return s;
}

int main(void)
{
	unsigned char *data = malloc(SIZE), *back = malloc(SIZE);
	uint32_t want, x = 12345;
	size_t i, got;
	int s[2], fd;
	ssize_t n;
	pid_t pid;

	enter_scratch();
	CHECK(data && back);
	for (i = 0; i < SIZE; i++)
		data[i] = (x = x * 1103515245 + 12345) >> 24;
	want = sum(data, SIZE);
	fd = open("big", O_CREAT | O_RDWR, 0600);
	CHECK_EQ(write(fd, data, SIZE), SIZE);
	CHECK_EQ(pread(fd, back, SIZE, 0), SIZE);
	CHECK_EQ(sum(back, SIZE), want);

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQ(close(s[0]), 0);
		for (got = 0; got < SIZE; got += n) {
			n = read(s[1], back + got, SIZE - got);
			CHECK(n > 0);
		}
		CHECK_EQ(sum(back, SIZE), want);
		CHECK_EQ(write(s[1], &want, sizeof(want)), sizeof(want));
		_exit(0);
	}
	CHECK_EQ(close(s[1]), 0);
	CHECK_EQ(write(s[0], data, SIZE), SIZE);
	CHECK_EQ(read(s[0], &x, sizeof(x)), sizeof(x));
	CHECK_EQ(x, want);
	CHECK_EXIT(pid, 0);
	printf("%08x\n", want);
	return done();
}
