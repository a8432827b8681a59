/* SPDX-License-Identifier: MIT */
/* 8 MB in one writev of 64 parts through a socketpair, read by readv of other parts. */
#include "check.h"
#include <pthread.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define PARTS 64
#define PART (128u << 10)
#define SIZE (PARTS * PART)

static unsigned char *in;
static int s[2];

static void *reader(void *arg)
{
	size_t got = 0;

	(void)arg;
	while (got < SIZE) {
		size_t left = SIZE - got, first = left < 1000 ? left : 1000;
		struct iovec iov[2] = {{in + got, first}, {in + got + first, left - first}};
		ssize_t n = readv(s[1], iov, 2);

		CHECK(n > 0);
		got += n;
	}
	return NULL;
}

int main(void)
{
	unsigned char *data = malloc(SIZE);
	struct iovec iov[PARTS];
	pthread_t thread;
	uint32_t x = 99;
	size_t i;
	int fd;

	enter_scratch();
	in = malloc(SIZE);
	CHECK(data && in);
	for (i = 0; i < SIZE; i++)
		data[i] = (x = x * 1103515245 + 12345) >> 24;
	for (i = 0; i < PARTS; i++)
		iov[i] = (struct iovec){data + i * PART, PART};
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	CHECK_EQ(pthread_create(&thread, NULL, reader, NULL), 0);
	CHECK_EQ(writev(s[0], iov, PARTS), SIZE);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(memcmp(in, data, SIZE) == 0);

	fd = open("big", O_CREAT | O_RDWR, 0600);
	CHECK_EQ(writev(fd, iov, PARTS), SIZE);
	memset(in, 0, SIZE);
	CHECK_EQ(pread(fd, in, SIZE, 0), SIZE);
	CHECK(memcmp(in, data, SIZE) == 0);
	return done();
}
