/* SPDX-License-Identifier: MIT */
/* Errors that arrive later: SO_ERROR, the error queue, a reset; two sockets on one port. */
#include "net.h"
#include <linux/errqueue.h>
#include <poll.h>

static void error_queue(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), closed = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
	struct sockaddr_in to = {.sin_family = AF_INET};
	socklen_t length = sizeof(to);
	char buf[64], control[512];
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr m = {NULL, 0, &iov, 1, control, sizeof(control), 0};
	struct pollfd p = {fd, POLLERR, 0};
	struct sock_extended_err e;
	struct cmsghdr *c;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_EQ(bind(closed, (struct sockaddr *)&to, sizeof(to)), 0);
	CHECK_EQ(getsockname(closed, (struct sockaddr *)&to, &length), 0);
	CHECK_EQ(close(closed), 0);
	CHECK_EQ(setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)), 0);
	CHECK_EQ(sendto(fd, "lost", 4, 0, (struct sockaddr *)&to, sizeof(to)), 4);
	CHECK_EQ(poll(&p, 1, 5000), 1);
	CHECK(p.revents & POLLERR);
	CHECK_EQ(recvmsg(fd, &m, MSG_ERRQUEUE), 4);
	CHECK(m.msg_flags & MSG_ERRQUEUE);
	CHECK(memcmp(buf, "lost", 4) == 0);
	c = CMSG_FIRSTHDR(&m);
	CHECK(c && c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR);
	memcpy(&e, CMSG_DATA(c), sizeof(e));
	CHECK_EQ(e.ee_errno, ECONNREFUSED);
	CHECK_EQ(e.ee_origin, SO_EE_ORIGIN_ICMP);
	CHECK_EQ(close(fd), 0);
}

static void reset(void)
{
	struct linger now = {1, 0};
	int listener = socket(AF_INET, SOCK_STREAM, 0), client, peer, error = -1;
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t length = sizeof(at);
	struct pollfd p;
	char buf[8];

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_EQ(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	CHECK_EQ(listen(listener, 1), 0);
	CHECK_EQ(getsockname(listener, (struct sockaddr *)&at, &length), 0);
	client = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQ(connect(client, (struct sockaddr *)&at, sizeof(at)), 0);
	peer = accept(listener, NULL, NULL);
	CHECK(peer >= 0);
	CHECK_EQ(setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	CHECK_EQ(close(peer), 0);
	p = (struct pollfd){client, POLLIN, 0};
	CHECK_EQ(poll(&p, 1, 5000), 1);
	CHECK(p.revents & (POLLERR | POLLHUP));
	length = sizeof(error);
	CHECK_EQ(getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &length), 0);
	CHECK_EQ(error, ECONNRESET);
	CHECK_EQ(read(client, buf, sizeof(buf)), 0);
	CHECK_EQ(close(client), 0);
	CHECK_EQ(close(listener), 0);
}

static void shared_port(void)
{
	int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t length = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_EQ(setsockopt(a, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
	CHECK_EQ(bind(a, (struct sockaddr *)&at, sizeof(at)), 0);
	CHECK_EQ(getsockname(a, (struct sockaddr *)&at, &length), 0);
	CHECK_ERR(bind(b, (struct sockaddr *)&at, sizeof(at)), EADDRINUSE);
	CHECK_EQ(setsockopt(b, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
	CHECK_EQ(bind(b, (struct sockaddr *)&at, sizeof(at)), 0);
	CHECK_EQ(close(a), 0);
	CHECK_EQ(close(b), 0);
}

int main(void)
{
	error_queue();
	reset();
	shared_port();
	return done();
}
