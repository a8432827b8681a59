/* SPDX-License-Identifier: MIT */
/* 400 descriptors in one epoll, every third ready, pointers into an array. */
#include "check.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

#define COUNT 400

static struct slot {
	int fd, hits;
} slots[COUNT];

int main(void)
{
	static struct epoll_event out[64];
	int ep = epoll_create1(0), i, n, total = 0, rounds;
	uint64_t v = 1;

	for (i = 0; i < COUNT; i++) {
		struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &slots[i]};

		slots[i].fd = eventfd(i % 3 == 0, EFD_NONBLOCK);
		CHECK(slots[i].fd >= 0);
		CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, slots[i].fd, &ev), 0);
	}
	while ((n = epoll_wait(ep, out, 64, 0)) > 0) {
		for (i = 0; i < n; i++) {
			struct slot *s = out[i].data.ptr;

			CHECK_EQ(read(s->fd, &v, sizeof(v)), sizeof(v));
			s->hits++;
			total++;
		}
	}
	CHECK_EQ(n, 0);
	for (i = 0; i < COUNT; i++)
		CHECK_EQ(slots[i].hits, i % 3 == 0);
	for (rounds = 0; rounds < 100; rounds++) {
		struct slot *s = &slots[rounds * 37 % COUNT];

		CHECK_EQ(write(s->fd, &v, sizeof(v)), sizeof(v));
		CHECK_EQ(epoll_wait(ep, out, 64, -1), 1);
		CHECK_EQ(((struct slot *)out[0].data.ptr)->fd, s->fd);
		CHECK_EQ(read(s->fd, &v, sizeof(v)), sizeof(v));
	}
	printf("%d\n", total);
	return done();
}
