/* SPDX-License-Identifier: MIT */
/* Level-triggered epoll with pointers in data.ptr; the event stays until it is consumed. */
#include "check.h"
#include <sys/epoll.h>

struct source {
	int fd, id;
};

int main(void)
{
	struct source *src[4];
	struct epoll_event ev, out[8];
	int ep = epoll_create1(EPOLL_CLOEXEC), w[4], p[2], i, n, sum;
	char c;

	CHECK(ep >= 0);
	for (i = 0; i < 4; i++) {
		CHECK_EQ(pipe(p), 0);
		src[i] = malloc(sizeof(*src[i]));
		CHECK(src[i]);
		*src[i] = (struct source){p[0], 100 + i};
		w[i] = p[1];
		ev = (struct epoll_event){.events = EPOLLIN, .data.ptr = src[i]};
		CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev), 0);
		CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev), EEXIST);
	}
	CHECK_EQ(epoll_wait(ep, out, 8, 0), 0);
	CHECK_EQ(write(w[1], "ab", 2), 2);
	CHECK_EQ(write(w[3], "c", 1), 1);
	for (sum = 0; (n = epoll_wait(ep, out, 8, 0)) > 0;) {
		for (i = 0; i < n; i++) {
			struct source *s = out[i].data.ptr;

			CHECK_EQ(out[i].events, EPOLLIN);
			CHECK_EQ(read(s->fd, &c, 1), 1);
			sum += s->id;
		}
	}
	CHECK_EQ(n, 0);
	CHECK_EQ(sum, 101 + 101 + 103);
	CHECK_EQ(close(w[2]), 0);
	CHECK_EQ(epoll_pwait(ep, out, 8, -1, NULL), 1);
	CHECK_EQ(out[0].events, EPOLLHUP);
	CHECK_EQ(((struct source *)out[0].data.ptr)->id, 102);
	/* Fewer slots than ready descriptors: the rest comes with the next call. */
	for (i = 0; i < 4; i++)
		if (i != 2)
			CHECK_EQ(write(w[i], "x", 1), 1);
	for (i = 0, sum = 0; i < 4; i++) {
		CHECK_EQ(epoll_wait(ep, out, 1, 0), 1);
		sum += ((struct source *)out[0].data.ptr)->id;
	}
	CHECK_EQ(sum, 100 + 101 + 102 + 103);
	CHECK_ERR(epoll_wait(ep, out, 0, 0), EINVAL);
	return done();
}
