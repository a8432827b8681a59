/* SPDX-License-Identifier: MIT */
/* A TCP echo server and its client in a child; end of file at the end. */
#include "net.h"

int main(void)
{
	struct sockaddr_in addr, peer;
	socklen_t len = sizeof(peer);
	int l = listener(5, &addr), c, i;
	char buf[256];
	ssize_t n;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQ(close(l), 0);
		c = connect_to(&addr);
		for (i = 0; i < 20; i++) {
			int k = snprintf(buf, sizeof(buf), "message %d", i);
			char back[256];

			CHECK_EQ(send(c, buf, k, 0), k);
			read_all(c, back, k);
			CHECK(memcmp(buf, back, k) == 0);
		}
		CHECK_EQ(shutdown(c, SHUT_WR), 0);
		CHECK_EQ(read(c, buf, sizeof(buf)), 0);
		_exit(0);
	}
	c = accept(l, (struct sockaddr *)&peer, &len);
	CHECK(c >= 0);
	CHECK_EQ(len, sizeof(peer));
	CHECK_EQ(peer.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	while ((n = recv(c, buf, sizeof(buf), 0)) > 0)
		CHECK_EQ(send(c, buf, n, MSG_NOSIGNAL), n);
	CHECK_EQ(n, 0);
	CHECK_EQ(close(c), 0);
	CHECK_EXIT(pid, 0);
	return done();
}
