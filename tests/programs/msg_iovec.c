/* SPDX-License-Identifier: MIT */
/* sendmsg and recvmsg that gather and scatter over a stream socket. */
#include "net.h"

int main(void)
{
	struct sockaddr_in addr;
	int l = listener(1, &addr), c = connect_to(&addr), s = accept(l, NULL, NULL);
	char head[4], body[7], rest[32];
	struct iovec out[3] = {{"GET ", 4}, {"/index", 6}, {"\r\n", 2}};
	struct iovec in[3] = {{head, 4}, {body, 6}, {rest, sizeof(rest)}};
	struct msghdr m = {.msg_iov = out, .msg_iovlen = 3}, r = {.msg_iov = in, .msg_iovlen = 3};

	CHECK(s >= 0);
	CHECK_EQ(sendmsg(c, &m, MSG_NOSIGNAL), 12);
	CHECK_EQ(recvmsg(s, &r, 0), 12);
	CHECK(memcmp(head, "GET ", 4) == 0);
	CHECK(memcmp(body, "/index", 6) == 0);
	CHECK(memcmp(rest, "\r\n", 2) == 0);
	CHECK_EQ(r.msg_flags, 0);
	CHECK_EQ(shutdown(c, SHUT_WR), 0);
	CHECK_EQ(recvmsg(s, &r, 0), 0);
	CHECK_ERR(sendmsg(c, &m, MSG_NOSIGNAL), EPIPE);
	CHECK_ERR(recvmsg(1000, &r, 0), EBADF);
	return done();
}
