/* SPDX-License-Identifier: MIT */
/* Packing of socket addresses and messages. */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "pack_host.h"

static void addresses(void **state)
{
	struct sockaddr_in one = {.sin_family = AF_INET, .sin_port = 5}, other = one;
	struct sockaddr_un file = {.sun_family = AF_UNIX, .sun_path = "/a"}, copy;
	struct sockaddr_storage a, b;
	socklen_t a_length, b_length;
	int s = socket(AF_INET, SOCK_DGRAM, 0), value[2] = {7, 8};
	socklen_t room_of_4 = 4;
	struct packed k;

	(void)state;
	memset(one.sin_zero, 0x77, 8);
	same(ROW(bind), ARGS(3, P(&one), 16), ARGS(3, P(&other), 16));
	other.sin_addr.s_addr = 1;
	different(ROW(bind), ARGS(3, P(&one), 16), ARGS(3, P(&other), 16), 1, 4);
	memset(&copy, 0x77, sizeof(copy));
	memcpy(&copy, &file, 5);
	same(ROW(bind), ARGS(3, P(&file), sizeof(file)), ARGS(3, P(&copy), sizeof(copy)));
	/* an abstract name isn't ended by a NUL */
	file.sun_path[0] = copy.sun_path[0] = 0;
	different(ROW(bind), ARGS(3, P(&file), sizeof(file)), ARGS(3, P(&copy), sizeof(copy)), 1,
		  5);
	assert_int_equal(lead(&k, ROW(bind), ARGS((uint64_t)s, P(&one), (uint64_t)-1)), -EINVAL);
	packed_free(&k);
	assert_int_equal(lead(&k, ROW(bind), ARGS((uint64_t)s, P(&one), 4096)), -EINVAL);
	packed_free(&k);

	one.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	one.sin_port = 0;
	assert_int_equal(lead(&k, ROW(bind), ARGS((uint64_t)s, P(&one), sizeof(one))), 0);
	packed_free(&k);
	/* room for less than the address: what fits, and how long it is */
	for (socklen_t room = 0; room <= 20; room += 5) {
		memset(&a, 0x11, sizeof(a));
		memset(&b, 0x11, sizeof(b));
		a_length = b_length = room;
		assert_int_equal(both(ROW(getsockname), ARGS((uint64_t)s, P(&a), P(&a_length)),
				      ARGS((uint64_t)s, P(&b), P(&b_length))),
				 0);
		assert_int_equal(a_length, 16);
		assert_int_equal(b_length, 16);
		assert_memory_equal(&a, &b, sizeof(a));
		if (room < 20)
			assert_int_equal(((uint8_t *)&b)[room < 16 ? room : 16], 0x11);
	}
	different(ROW(getsockname), ARGS(3, P(&a), P(&a_length)), ARGS(3, P(&a), P(&room_of_4)), 2,
		  0);
	assert_int_equal(lead(&k, ROW(getsockname), ARGS((uint64_t)s, P(&a), P(BAD))), -EFAULT);
	outputs(&k, ROW(getsockname), ARGS((uint64_t)s, P(&a), P(BAD)));
	packed_free(&k);
	a_length = b_length = 4;
	assert_int_equal(both(ROW(getsockopt),
			      ARGS((uint64_t)s, SOL_SOCKET, SO_TYPE, P(&value[0]), P(&a_length)),
			      ARGS((uint64_t)s, SOL_SOCKET, SO_TYPE, P(&value[1]), P(&b_length))),
			 0);
	assert_int_equal(value[1], SOCK_DGRAM);
	assert_int_equal(b_length, 4);
	close(s);
}

struct received {
	struct msghdr h;
	struct iovec v[2];
	char control[64], part[2][8];
	struct sockaddr_un from;
};

static void receiver(struct received *r, int fill)
{
	memset(r, fill, sizeof(*r));
	r->v[0] = (struct iovec){r->part[0], 3};
	r->v[1] = (struct iovec){r->part[1], 8};
	r->h = (struct msghdr){&r->from, sizeof(r->from), r->v, 2, r->control, 64, fill};
}

static void messages(void **state)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control, other;
	struct iovec v[2] = {{"abc", 3}, {"defg", 4}}, w[2] = {{"abc", 3}, {"defX", 4}};
	struct msghdr m = {.msg_iov = v,
			   .msg_iovlen = 2,
			   .msg_control = control.bytes,
			   .msg_controllen = sizeof(control.bytes),
			   .msg_flags = 12345};
	struct msghdr n = m;
	struct received a, b;
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	struct stat x, y;
	struct packed k;
	int s[2], fd;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, s), 0);
	memset(control.bytes, 0xaa, sizeof(control.bytes));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &s[0], sizeof(int));
	/* padding behind the descriptor, and flags that the kernel doesn't read */
	other = control;
	memset(other.bytes + c->cmsg_len, 0xbb, sizeof(other.bytes) - c->cmsg_len);
	n.msg_control = other.bytes;
	n.msg_flags = 54321;
	same(ROW(sendmsg), ARGS(3, P(&m), 0), ARGS(3, P(&n), 0));
	n.msg_iov = w;
	/* count, no name, control length and control, data length, and 6 bytes that are alike */
	different(ROW(sendmsg), ARGS(3, P(&m), 0), ARGS(3, P(&n), 0), 1,
		  8 + 8 + 8 + sizeof(control.bytes) + 8 + 6);

	assert_int_equal(lead(&k, ROW(sendmsg), ARGS((uint64_t)s[1], P(&m), 0)), 7);
	outputs(&k, ROW(sendmsg), ARGS((uint64_t)s[1], P(&m), 0));
	assert_int_equal(k.out_bytes, 0);
	packed_free(&k);
	receiver(&a, 0x11);
	receiver(&b, 0x22);
	assert_int_equal(both(ROW(recvmsg), ARGS((uint64_t)s[0], P(&a.h), 0),
			      ARGS((uint64_t)s[0], P(&b.h), 0)),
			 7);
	assert_memory_equal(b.part[0], "abc\x22", 4);
	assert_memory_equal(b.part[1], "defg\x22", 5);
	assert_memory_equal(a.part[1], "defg\x11", 5);
	assert_int_equal(b.h.msg_flags, a.h.msg_flags);
	assert_int_equal(b.h.msg_flags, 0);
	assert_int_equal(b.h.msg_namelen, 0);
	assert_int_equal(a.h.msg_namelen, 0);
	assert_int_equal(b.h.msg_controllen, a.h.msg_controllen);
	assert_memory_equal(a.control, b.control, b.h.msg_controllen);
	assert_int_equal((uint8_t)b.control[b.h.msg_controllen], 0x22);
	c = CMSG_FIRSTHDR(&b.h);
	assert_non_null(c);
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	assert_int_equal(fstat(fd, &x), 0);
	assert_int_equal(fstat(s[0], &y), 0);
	assert_int_equal(x.st_ino, y.st_ino);
	close(fd);

	/* cut off: MSG_TRUNC says more than there is room for */
	m.msg_control = NULL;
	m.msg_controllen = 0;
	for (int trunc = 0; trunc <= MSG_TRUNC; trunc += MSG_TRUNC) {
		assert_int_equal(lead(&k, ROW(sendmsg), ARGS((uint64_t)s[1], P(&m), 0)), 7);
		packed_free(&k);
		receiver(&a, 0x11);
		receiver(&b, 0x22);
		a.v[1].iov_len = b.v[1].iov_len = 2;
		assert_int_equal(both(ROW(recvmsg), ARGS((uint64_t)s[0], P(&a.h), (uint64_t)trunc),
				      ARGS((uint64_t)s[0], P(&b.h), (uint64_t)trunc)),
				 trunc ? 7 : 5);
		assert_memory_equal(b.part[1], "de\x22", 3);
		assert_int_equal(b.h.msg_flags & MSG_TRUNC, MSG_TRUNC);
	}
	m.msg_iovlen = 1025;
	assert_int_equal(lead(&k, ROW(sendmsg), ARGS((uint64_t)s[1], P(&m), 0)), -EMSGSIZE);
	packed_free(&k);
	m.msg_iovlen = 0;
	assert_int_equal(lead(&k, ROW(sendmsg), ARGS((uint64_t)s[1], P(&m), 0)), 0);
	packed_free(&k);
	assert_int_equal(recv(s[0], a.part, 8, MSG_DONTWAIT), 0);
	assert_int_equal(lead(&k, ROW(sendmsg), ARGS((uint64_t)s[1], P(BAD), 0)), -EFAULT);
	packed_free(&k);
	m.msg_iovlen = 2;
	m.msg_control = BAD;
	m.msg_controllen = 64;
	assert_int_equal(lead(&k, ROW(sendmsg), ARGS((uint64_t)s[1], P(&m), 0)), -EFAULT);
	packed_free(&k);
	m.msg_controllen = SIZE_MAX;
	assert_int_equal(lead(&k, ROW(sendmsg), ARGS((uint64_t)s[1], P(&m), 0)), -ENOBUFS);
	packed_free(&k);
	close(s[0]);
	close(s[1]);
}

static void many_messages(void **state)
{
	struct iovec v[3] = {{"one", 3}, {"four", 4}, {"sixsix", 6}};
	struct mmsghdr out[2][3] = {0}, in[2][4] = {0};
	char text[2][4][8];
	struct iovec room[2][4];
	int s[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s), 0);
	memset(text, 0x11, sizeof(text));
	for (int side = 0; side < 2; side++) {
		for (int i = 0; i < 3; i++)
			out[side][i].msg_hdr = (struct msghdr){.msg_iov = &v[i], .msg_iovlen = 1};
		for (int i = 0; i < 4; i++) {
			room[side][i] = (struct iovec){text[side][i], 8};
			in[side][i].msg_hdr =
				(struct msghdr){.msg_iov = &room[side][i], .msg_iovlen = 1};
			in[side][i].msg_len = 99;
		}
	}
	assert_int_equal(both(ROW(sendmmsg), ARGS((uint64_t)s[1], P(out[0]), 3, 0),
			      ARGS((uint64_t)s[1], P(out[1]), 3, 0)),
			 3);
	for (int side = 0; side < 2; side++)
		for (int i = 0; i < 3; i++)
			assert_int_equal(out[side][i].msg_len, v[i].iov_len);
	assert_int_equal(both(ROW(recvmmsg), ARGS((uint64_t)s[0], P(in[0]), 4, 0, 0),
			      ARGS((uint64_t)s[0], P(in[1]), 4, 0, 0)),
			 3);
	for (int side = 0; side < 2; side++) {
		for (int i = 0; i < 3; i++) {
			assert_int_equal(in[side][i].msg_len, v[i].iov_len);
			assert_memory_equal(text[side][i], v[i].iov_base, v[i].iov_len);
			assert_int_equal(text[side][i][v[i].iov_len], 0x11);
		}
		assert_int_equal(in[side][3].msg_len, 99);
	}
	assert_int_equal(both(ROW(recvmmsg), ARGS((uint64_t)s[0], P(in[0]), 4, 0, 0),
			      ARGS((uint64_t)s[0], P(in[1]), 4, 0, 0)),
			 -EAGAIN);
	close(s[0]);
	close(s[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(messages),
		cmocka_unit_test(many_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
