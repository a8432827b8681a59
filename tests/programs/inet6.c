/* SPDX-License-Identifier: MIT */
/* IPv6: TCP and datagrams on the loopback, an IPv4 peer at a socket for both, options. */
#include "check.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static struct sockaddr_in6 address;
static socklen_t length = sizeof(address);

static int listener(const struct in6_addr *at, int only)
{
	int fd = socket(AF_INET6, SOCK_STREAM, 0), on = 1;

	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	CHECK_EQ(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)), 0);
	address = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = *at};
	if (bind(fd, (struct sockaddr *)&address, length) < 0 && errno == EADDRNOTAVAIL)
		SKIP("no IPv6 here");
	CHECK_EQ(listen(fd, 5), 0);
	CHECK_EQ(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	return fd;
}

static void stream(void)
{
	int fd = listener(&in6addr_loopback, 1), client = socket(AF_INET6, SOCK_STREAM, 0), peer;
	struct tcp_info info;
	struct sockaddr_in6 from;
	socklen_t bytes = sizeof(from);
	char buf[8];

	CHECK_EQ(connect(client, (struct sockaddr *)&address, length), 0);
	peer = accept(fd, (struct sockaddr *)&from, &bytes);
	CHECK(peer >= 0);
	CHECK(IN6_IS_ADDR_LOOPBACK(&from.sin6_addr));
	CHECK_EQ(write(client, "six", 3), 3);
	CHECK_EQ(read(peer, buf, sizeof(buf)), 3);
	bytes = sizeof(info);
	CHECK_EQ(getsockopt(peer, IPPROTO_TCP, TCP_INFO, &info, &bytes), 0);
	CHECK_EQ(info.tcpi_state, TCP_ESTABLISHED);
	CHECK_EQ(close(client), 0);
	CHECK_EQ(read(peer, buf, sizeof(buf)), 0);
	CHECK_EQ(close(peer), 0);
	CHECK_EQ(close(fd), 0);
}

static void mapped(void)
{
	int fd = listener(&in6addr_any, 0), client = socket(AF_INET, SOCK_STREAM, 0), peer;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = address.sin6_port};
	struct sockaddr_in6 from;
	socklen_t bytes = sizeof(from);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_EQ(connect(client, (struct sockaddr *)&to, sizeof(to)), 0);
	peer = accept4(fd, (struct sockaddr *)&from, &bytes, SOCK_CLOEXEC);
	CHECK(peer >= 0);
	CHECK(IN6_IS_ADDR_V4MAPPED(&from.sin6_addr));
	CHECK_EQ(close(peer), 0);
	CHECK_EQ(close(client), 0);
	CHECK_EQ(close(fd), 0);
}

static void datagram(void)
{
	int fd = socket(AF_INET6, SOCK_DGRAM, 0), on = 1;
	char data[] = "datagram", buf[32], control[128];
	struct iovec iov = {buf, sizeof(buf)};
	struct sockaddr_in6 from;
	struct msghdr m = {&from, sizeof(from), &iov, 1, control, sizeof(control), 0};
	struct cmsghdr *c;
	unsigned seen = 0;

	address = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	CHECK_EQ(bind(fd, (struct sockaddr *)&address, length), 0);
	CHECK_EQ(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	CHECK_EQ(setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)), 0);
	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on)), 0);
	CHECK_EQ(sendto(fd, data, sizeof(data), 0, (struct sockaddr *)&address, length),
		 sizeof(data));
	CHECK_EQ(recvmsg(fd, &m, 0), sizeof(data));
	CHECK_EQ(m.msg_flags, 0);
	CHECK_EQ(from.sin6_port, address.sin6_port);
	for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			CHECK(IN6_IS_ADDR_LOOPBACK(&info.ipi6_addr));
			seen |= 1;
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMP) {
			disclose(CMSG_DATA(c), sizeof(struct timeval));
			seen |= 2;
		}
	}
	CHECK_EQ(seen, 3);
	CHECK_EQ(close(fd), 0);
}

int main(void)
{
	if (socket(AF_INET6, SOCK_STREAM, 0) < 0)
		SKIP("no IPv6 here");
	stream();
	mapped();
	datagram();
	return done();
}
