/* SPDX-License-Identifier: MIT */
/* A small event-driven server: epoll, non-blocking sockets, connection structs by pointer. */
#include "net.h"
#include <pthread.h>
#include <sys/epoll.h>

#define CLIENTS 10

struct conn {
	int fd, bytes;
};

static struct sockaddr_in addr;

static void *client(void *arg)
{
	char out[100], in[100];
	int fd = connect_to(&addr), i;

	memset(out, 'A' + (int)(intptr_t)arg, sizeof(out));
	for (i = 0; i < 20; i++) {
		CHECK_EQ(write(fd, out, sizeof(out)), sizeof(out));
		read_all(fd, in, sizeof(in));
		CHECK(memcmp(in, out, sizeof(in)) == 0);
	}
	CHECK_EQ(close(fd), 0);
	return NULL;
}

int main(void)
{
	int l = listener(64, &addr), ep = epoll_create1(0), closed = 0, total = 0, i, n;
	struct conn *accepting = calloc(1, sizeof(*accepting));
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = accepting}, out[16];
	pthread_t t[CLIENTS];
	char buf[256];

	accepting->fd = l;
	CHECK_EQ(fcntl(l, F_SETFL, O_NONBLOCK), 0);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, l, &ev), 0);
	for (i = 0; i < CLIENTS; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, client, (void *)(intptr_t)i), 0);
	while (closed < CLIENTS) {
		n = epoll_wait(ep, out, 16, -1);
		CHECK(n > 0);
		for (i = 0; i < n; i++) {
			struct conn *c = out[i].data.ptr;
			ssize_t k;
			int fd;

			while (c == accepting &&
			       (fd = accept4(l, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
				ev.events = EPOLLIN | EPOLLET;
				ev.data.ptr = calloc(1, sizeof(*c));
				((struct conn *)ev.data.ptr)->fd = fd;
				CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev), 0);
			}
			if (c == accepting)
				continue;
			while ((k = read(c->fd, buf, sizeof(buf))) > 0) {
				CHECK_EQ(write(c->fd, buf, k), k);
				c->bytes += k;
			}
			if (k == 0) {
				CHECK_EQ(close(c->fd), 0);
				CHECK_EQ(c->bytes, 2000);
				total += c->bytes;
				closed++;
				free(c);
			}
		}
	}
	for (i = 0; i < CLIENTS; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
	printf("%d\n", total);
	return done();
}
