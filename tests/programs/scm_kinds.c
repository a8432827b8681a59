/* SPDX-License-Identifier: MIT */
/* Descriptors of many kinds through a socket: each goes on working under its new number. */
#include "scm.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/timerfd.h>

#define KINDS 6

static int pair[2];

static void receive_all(int *fds, int n)
{
	char control[CMSG_SPACE(KINDS * sizeof(int))], c;
	struct iovec iov = {&c, 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	struct cmsghdr *h;

	CHECK_EQ(recvmsg(pair[1], &m, MSG_CMSG_CLOEXEC), 1);
	h = CMSG_FIRSTHDR(&m);
	CHECK(h);
	CHECK_EQ(h->cmsg_len, CMSG_LEN(n * sizeof(int)));
	memcpy(fds, CMSG_DATA(h), n * sizeof(int));
	for (int i = 0; i < n; i++)
		CHECK_EQ(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
}

int main(void)
{
	int fds[KINDS], got[KINDS], p[2], file, memory;
	struct itimerspec soon = {.it_value = {0, 1000000}};
	uint64_t ticks;
	eventfd_t value;
	char buf[16], *map;

	enter_scratch();
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	write_file("f", "a file's bytes");
	file = open("f", O_RDONLY);
	memory = memfd_create("m", 0);
	CHECK(file >= 0 && memory >= 0);
	CHECK_EQ(write(memory, "memory", 6), 6);
	CHECK_EQ(pipe(p), 0);
	fds[0] = file;
	fds[1] = memory;
	fds[2] = p[1];
	fds[3] = eventfd(5, 0);
	fds[4] = timerfd_create(CLOCK_MONOTONIC, 0);
	fds[5] = socket(AF_INET, SOCK_DGRAM, 0);
	scm_send(pair[0], fds, KINDS);
	for (int i = 0; i < KINDS; i++) {
		if (fds[i] != memory)
			CHECK_EQ(close(fds[i]), 0);
	}
	receive_all(got, KINDS);

	map = mmap(NULL, 14, PROT_READ, MAP_PRIVATE, got[0], 0);
	CHECK(map != MAP_FAILED);
	CHECK(memcmp(map, "a file's bytes", 14) == 0);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, got[1], 0);
	CHECK(map != MAP_FAILED);
	CHECK(memcmp(map, "memory", 6) == 0);
	map[0] = 'M';
	CHECK_EQ(pread(got[1], buf, 6, 0), 6);
	CHECK(memcmp(buf, "Memory", 6) == 0);
	CHECK_EQ(write(got[2], "pipe", 4), 4);
	CHECK_EQ(read(p[0], buf, sizeof(buf)), 4);
	CHECK_EQ(eventfd_read(got[3], &value), 0);
	CHECK_EQ(value, 5);
	CHECK_EQ(timerfd_settime(got[4], 0, &soon, NULL), 0);
	CHECK_EQ(read(got[4], &ticks, sizeof(ticks)), sizeof(ticks));
	CHECK_EQ(ticks, 1);
	return done();
}
