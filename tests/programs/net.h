/* SPDX-License-Identifier: MIT */
/* TCP over loopback with ports that the kernel picks. */
#ifndef NET_H
#define NET_H

#include "check.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static inline struct sockaddr_in loopback(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return addr;
}

/* A bound socket of this type; *addr becomes its address. */
static inline int bound_socket(int type, struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	int fd = socket(AF_INET, type, 0);

	*addr = loopback();
	CHECK(fd >= 0);
	CHECK_EQ(bind(fd, (struct sockaddr *)addr, len), 0);
	CHECK_EQ(getsockname(fd, (struct sockaddr *)addr, &len), 0);
	CHECK(addr->sin_port != 0);
	return fd;
}

static inline int listener(int backlog, struct sockaddr_in *addr)
{
	int fd = bound_socket(SOCK_STREAM, addr);

	CHECK_EQ(listen(fd, backlog), 0);
	return fd;
}

static inline int connect_to(const struct sockaddr_in *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CHECK(fd >= 0);
	CHECK_EQ(connect(fd, (const struct sockaddr *)addr, sizeof(*addr)), 0);
	return fd;
}

/* Reads exactly len bytes. */
static inline void read_all(int fd, void *buf, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = read(fd, (char *)buf + got, len - got);

		CHECK(n > 0);
		got += n;
	}
}

#endif
