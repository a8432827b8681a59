/* SPDX-License-Identifier: MIT */
/* sendmmsg and recvmmsg over UDP: lengths and addresses of each message. */
#include "net.h"

#define COUNT 6

int main(void)
{
	struct sockaddr_in a, b, from[COUNT];
	int x = bound_socket(SOCK_DGRAM, &a), y = bound_socket(SOCK_DGRAM, &b), i;
	struct mmsghdr out[COUNT], in[COUNT];
	struct iovec oiov[COUNT], iiov[COUNT];
	char text[COUNT][16], buf[COUNT][16];

	memset(out, 0, sizeof(out));
	memset(in, 0, sizeof(in));
	for (i = 0; i < COUNT; i++) {
		int n = snprintf(text[i], sizeof(text[i]), "%0*d", i + 1, i);

		oiov[i] = (struct iovec){text[i], n};
		iiov[i] = (struct iovec){buf[i], sizeof(buf[i])};
		out[i].msg_hdr = (struct msghdr){.msg_name = &b,
						 .msg_namelen = sizeof(b),
						 .msg_iov = &oiov[i],
						 .msg_iovlen = 1};
		in[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
						.msg_namelen = sizeof(from[i]),
						.msg_iov = &iiov[i],
						.msg_iovlen = 1};
	}
	CHECK_EQ(sendmmsg(x, out, COUNT - 1, 0), COUNT - 1);
	for (i = 0; i < COUNT - 1; i++)
		CHECK_EQ(out[i].msg_len, i + 1);
	CHECK_EQ(recvmmsg(y, in, COUNT, MSG_DONTWAIT, NULL), COUNT - 1);
	for (i = 0; i < COUNT - 1; i++) {
		CHECK_EQ(in[i].msg_len, i + 1);
		CHECK(memcmp(buf[i], text[i], i + 1) == 0);
		CHECK_EQ(from[i].sin_port, a.sin_port);
		CHECK_EQ(in[i].msg_hdr.msg_namelen, sizeof(a));
	}
	CHECK_ERR(recvmmsg(y, in, COUNT, MSG_DONTWAIT, NULL), EAGAIN);
	return done();
}
