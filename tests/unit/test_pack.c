/* SPDX-License-Identifier: MIT */
/*
 * Packing: what a leader and a follower do with one call. The leader packs,
 * executes from the packed copy and packs what was written; the follower packs
 * its own arguments, which must be the same bytes, and takes the outputs.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../monitor/syscalls/pack.h"

#define ROW(name) (&call_table[CALL_##name])
#define P(pointer) ((uint64_t)(uintptr_t)(pointer))
#define ARGS(...)                                                                                  \
	(const uint64_t[6])                                                                        \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define BAD ((void *)8)

struct packed {
	struct pack p;
	uint8_t *out;
	long out_bytes;
	long result;
};

/* Packs with buffers that start too small and grow as asked, exactly to what is asked. */
static int pack_call(struct packed *k, const struct call_row *row, const uint64_t args[6])
{
	int error;

	memset(k, 0, sizeof(*k));
	for (int tries = 0;; tries++) {
		error = pack_args(row, args, &k->p);
		if (error != -ENOSPC)
			break;
		/* a program may well ask for 2 GiB, a test need not */
		if (k->p.needed > 1 << 24)
			break;
		assert_true(tries < 2);
		assert_true(k->p.needed > k->p.capacity ||
			    k->p.needed_scratch > k->p.scratch_capacity);
		free(k->p.buf);
		free(k->p.scratch);
		k->p.capacity = k->p.needed;
		k->p.scratch_capacity = k->p.needed_scratch;
		k->p.buf = malloc(k->p.capacity + 1);
		k->p.scratch = malloc(k->p.scratch_capacity + 1);
	}
	if (!error)
		assert_true(k->p.size % 8 == 0);
	return error;
}

static void unpack_free(struct packed *k)
{
	free(k->p.buf);
	free(k->p.scratch);
	free(k->out);
}

/* The items of packed arguments are as many bytes as there are. */
static void assert_items(const struct call_row *row, const struct packed *k)
{
	size_t at = 0;

	for (int i = 0; i < 6; i++) {
		long item = pack_item(&row->arg[i], k->p.buf + at, k->p.size - at);

		assert_true(item >= 0);
		at += (size_t)item;
	}
	assert_int_equal(at, k->p.size);
}

static void outputs(struct packed *k, const struct call_row *row, const uint64_t args[6])
{
	size_t bound = pack_outputs_bound(row, args, k->result, &k->p);
	uint8_t *moved = malloc(k->p.size + 1);

	/* buf may move meanwhile */
	memset(k->p.buf, 0xee, k->p.size);
	free(k->p.buf);
	k->p.buf = moved;
	k->out = malloc(bound + 1);
	k->out_bytes = pack_outputs(row, args, k->result, &k->p, k->out, bound);
	assert_in_range(k->out_bytes, 0, bound);
}

/* As the leader; the result of the real call. */
static long lead(struct packed *k, const struct call_row *row, const uint64_t args[6])
{
	assert_int_equal(pack_call(k, row, args), 0);
	assert_items(row, k);
	k->result = syscall(call_number(row), k->p.exec[0], k->p.exec[1], k->p.exec[2],
			    k->p.exec[3], k->p.exec[4], k->p.exec[5]);
	if (k->result == -1)
		k->result = -errno;
	return k->result;
}

/* As a follower with arguments of its own: the same bytes, then the outputs. */
static void follow(const struct packed *k, const struct call_row *row, const uint64_t args[6],
		   const struct packed *leader_args)
{
	struct packed mine;
	size_t offset;
	int arg;

	assert_int_equal(pack_call(&mine, row, args), 0);
	if (pack_difference(row, leader_args->p.buf, leader_args->p.size, mine.p.buf, mine.p.size,
			    &arg, &offset))
		fail_msg("%s: argument %d differs at %zu", row->name, arg, offset);
	unpack_free(&mine);
	assert_int_equal(unpack_outputs(row, args, k->result, k->out, (size_t)k->out_bytes), 0);
}

/* Both: returns the result. */
static long both(const struct call_row *row, const uint64_t leader[6], const uint64_t follower[6])
{
	struct packed k, before;
	long result;

	assert_int_equal(pack_call(&before, row, leader), 0);
	result = lead(&k, row, leader);
	outputs(&k, row, leader);
	follow(&k, row, follower, &before);
	unpack_free(&before);
	unpack_free(&k);
	return result;
}

static void same(const struct call_row *row, const uint64_t a[6], const uint64_t b[6])
{
	struct packed x, y;
	size_t offset;
	int arg;

	assert_int_equal(pack_call(&x, row, a), 0);
	assert_int_equal(pack_call(&y, row, b), 0);
	if (pack_difference(row, x.p.buf, x.p.size, y.p.buf, y.p.size, &arg, &offset))
		fail_msg("%s: argument %d differs at %zu", row->name, arg, offset);
	assert_int_equal(x.p.size, y.p.size);
	assert_memory_equal(x.p.buf, y.p.buf, x.p.size);
	unpack_free(&x);
	unpack_free(&y);
}

static void different(const struct call_row *row, const uint64_t a[6], const uint64_t b[6],
		      int want_arg, size_t want_offset)
{
	struct packed x, y;
	size_t offset = 99;
	int arg = -1;

	assert_int_equal(pack_call(&x, row, a), 0);
	assert_int_equal(pack_call(&y, row, b), 0);
	assert_true(pack_difference(row, x.p.buf, x.p.size, y.p.buf, y.p.size, &arg, &offset));
	assert_int_equal(arg, want_arg);
	assert_int_equal(offset, want_offset);
	unpack_free(&x);
	unpack_free(&y);
}

static void scalars(void **state)
{
	(void)state;
	/* what the kernel ignores isn't compared: the upper half of an int */
	same(ROW(close), ARGS(0x100000003), ARGS(3));
	same(ROW(close), ARGS(0xffffffff), ARGS(UINT64_MAX));
	same(ROW(setuid), ARGS(UINT64_MAX), ARGS(0xffffffff));
	different(ROW(lseek), ARGS(3, 1, 0), ARGS(3, 1ull << 40 | 1, 0), 1, 5);
	different(ROW(close), ARGS(3), ARGS(4), 0, 0);
	same(ROW(ioctl), ARGS(3, 5, 77), ARGS(3, 5, 78));
	same(ROW(rt_sigaction), ARGS(3, 5, 77, 8), ARGS(3, 500, 770, 8));
	different(ROW(rt_sigaction), ARGS(3, 5, 77, 8), ARGS(3, 0, 770, 8), 1, 0);
	/* a mode counts only where a file may be made */
	same(ROW(openat), ARGS(3, P("a"), O_RDONLY, 077), ARGS(3, P("a"), O_RDONLY, 0));
	different(ROW(openat), ARGS(3, P("a"), O_CREAT, 077), ARGS(3, P("a"), O_CREAT, 0), 3, 0);
	different(ROW(openat), ARGS(3, P("a"), O_TMPFILE, 077), ARGS(3, P("a"), O_TMPFILE, 0), 3,
		  0);
	same(ROW(openat), ARGS(3, P("a"), O_DIRECTORY, 077), ARGS(3, P("a"), O_DIRECTORY, 0));
}

static void paths(void **state)
{
	static char one[8192], other[8192];
	char name[] = "/tmp/tandem-pack-XXXXXX";
	struct packed k;
	int fd;

	(void)state;
	memset(one, 'a', sizeof(one) - 1);
	memset(other, 'a', sizeof(other) - 1);
	same(ROW(chdir), ARGS(P(one)), ARGS(P(other)));
	assert_int_equal(lead(&k, ROW(chdir), ARGS(P(one))), -ENAMETOOLONG);
	unpack_free(&k);
	one[4095] = other[4095] = 0;
	other[4000] = 'b';
	different(ROW(chdir), ARGS(P(one)), ARGS(P(other)), 0, 4000);
	different(ROW(chdir), ARGS(P("abc")), ARGS(P("abcd")), 0, 3);
	different(ROW(chdir), ARGS(P("abc")), ARGS(0), 0, 0);
	assert_int_equal(lead(&k, ROW(chdir), ARGS(0)), -EFAULT);
	unpack_free(&k);
	assert_int_equal(lead(&k, ROW(chdir), ARGS(P(BAD))), -EFAULT);
	unpack_free(&k);

	fd = mkstemp(name);
	assert_true(fd >= 0);
	close(fd);
	fd = (int)lead(&k, ROW(openat), ARGS((uint64_t)AT_FDCWD, P(name), O_RDWR, 0));
	assert_true(fd >= 0);
	unpack_free(&k);
	assert_int_equal(lead(&k, ROW(write), ARGS((uint64_t)fd, P("hello"), 5)), 5);
	unpack_free(&k);

	/* statistics, and a position that the call moves */
	struct stat st[2];
	int64_t at[2] = {1, 1};
	int pipes[2];
	char text[8] = "";

	memset(st, 0x55, sizeof(st));
	assert_int_equal(
		both(ROW(fstat), ARGS((uint64_t)fd, P(&st[0])), ARGS((uint64_t)fd, P(&st[1]))), 0);
	assert_memory_equal(&st[0], &st[1], sizeof(st[0]));
	assert_int_equal(st[1].st_size, 5);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(both(ROW(sendfile), ARGS((uint64_t)pipes[1], (uint64_t)fd, P(&at[0]), 3),
			      ARGS((uint64_t)pipes[1], (uint64_t)fd, P(&at[1]), 3)),
			 3);
	assert_int_equal(at[0], 4);
	assert_int_equal(at[1], 4);
	assert_int_equal(read(pipes[0], text, 8), 3);
	assert_memory_equal(text, "ell", 3);
	close(pipes[0]);
	close(pipes[1]);
	close(fd);
	unlink(name);
}

static void reading_and_writing(void **state)
{
	char a[16], b[16], big[3] = "";
	struct iovec out[3] = {{"ab", 2}, {NULL, 0}, {"cde", 3}};
	struct iovec whole = {"abcde", 5};
	struct iovec in_a[12], in_b[12];
	struct packed k;
	int p[2];

	(void)state;
	assert_int_equal(pipe2(p, O_NONBLOCK), 0);
	/* one datagram of bytes, however it is cut up: but the counts are compared */
	assert_int_equal(lead(&k, ROW(writev), ARGS((uint64_t)p[1], P(out), 3)), 5);
	assert_int_equal(k.p.exec[2], 1);
	unpack_free(&k);
	different(ROW(writev), ARGS(1, P(out), 3), ARGS(1, P(&whole), 1), 2, 0);
	memset(a, 0x11, sizeof(a));
	memset(b, 0x22, sizeof(b));
	assert_int_equal(
		both(ROW(read), ARGS((uint64_t)p[0], P(a), 16), ARGS((uint64_t)p[0], P(b), 16)), 5);
	assert_memory_equal(a, "abcde\x11", 6);
	assert_memory_equal(b, "abcde\x22", 6);
	assert_int_equal(
		both(ROW(read), ARGS((uint64_t)p[0], P(a), 16), ARGS((uint64_t)p[0], P(b), 16)),
		-EAGAIN);
	assert_memory_equal(a, "abcde\x11", 6);

	/* more vectors than are read in one batch; the last stays untouched */
	for (int i = 0; i < 12; i++) {
		in_a[i] = (struct iovec){a + i, 1};
		in_b[i] = (struct iovec){b + i, 1};
	}
	memset(a, 0x11, sizeof(a));
	memset(b, 0x22, sizeof(b));
	assert_int_equal(write(p[1], "0123456789A", 11), 11);
	assert_int_equal(both(ROW(readv), ARGS((uint64_t)p[0], P(in_a), 12),
			      ARGS((uint64_t)p[0], P(in_b), 12)),
			 11);
	assert_memory_equal(a, "0123456789A\x11", 12);
	assert_memory_equal(b, "0123456789A\x22", 12);

	/* the kernel's own errors */
	assert_int_equal(lead(&k, ROW(writev), ARGS((uint64_t)p[1], P(out), 1025)), -EINVAL);
	unpack_free(&k);
	assert_int_equal(lead(&k, ROW(writev), ARGS((uint64_t)p[1], P(out), UINT64_MAX)), -EINVAL);
	unpack_free(&k);
	assert_int_equal(lead(&k, ROW(readv), ARGS((uint64_t)p[0], P(out), 1025)), -EINVAL);
	unpack_free(&k);
	assert_int_equal(lead(&k, ROW(writev), ARGS((uint64_t)p[1], P(BAD), 1)), -EFAULT);
	unpack_free(&k);
	assert_int_equal(lead(&k, ROW(writev), ARGS((uint64_t)p[1], 0, 1)), -EFAULT);
	unpack_free(&k);
	assert_int_equal(lead(&k, ROW(writev), ARGS((uint64_t)p[1], P(out), 0)), 0);
	unpack_free(&k);
	out[1] = (struct iovec){big, (size_t)-1};
	assert_int_equal(lead(&k, ROW(writev), ARGS((uint64_t)p[1], P(out), 3)), -EINVAL);
	unpack_free(&k);
	out[1] = (struct iovec){BAD, 1};
	assert_int_equal(lead(&k, ROW(writev), ARGS((uint64_t)p[1], P(out), 3)), -EFAULT);
	unpack_free(&k);
	assert_int_equal(lead(&k, ROW(write), ARGS((uint64_t)p[1], P(BAD), 1)), -EFAULT);
	unpack_free(&k);
	assert_int_equal(lead(&k, ROW(write), ARGS((uint64_t)p[1], P(big), UINT64_MAX)), -EFAULT);
	unpack_free(&k);
	assert_int_equal(lead(&k, ROW(write), ARGS((uint64_t)-1, P(BAD), 1)), -EBADF);
	unpack_free(&k);
	assert_int_equal(lead(&k, ROW(write), ARGS((uint64_t)p[1], P(big), 0)), 0);
	unpack_free(&k);
	assert_int_equal(lead(&k, ROW(write), ARGS((uint64_t)p[1], 0, 0)), 0);
	unpack_free(&k);
	close(p[0]);
	close(p[1]);
}

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
	unpack_free(&k);
	assert_int_equal(lead(&k, ROW(bind), ARGS((uint64_t)s, P(&one), 4096)), -EINVAL);
	unpack_free(&k);

	one.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	one.sin_port = 0;
	assert_int_equal(lead(&k, ROW(bind), ARGS((uint64_t)s, P(&one), sizeof(one))), 0);
	unpack_free(&k);
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
	unpack_free(&k);
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
	unpack_free(&k);
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
		unpack_free(&k);
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
	unpack_free(&k);
	m.msg_iovlen = 0;
	assert_int_equal(lead(&k, ROW(sendmsg), ARGS((uint64_t)s[1], P(&m), 0)), 0);
	unpack_free(&k);
	assert_int_equal(recv(s[0], a.part, 8, MSG_DONTWAIT), 0);
	assert_int_equal(lead(&k, ROW(sendmsg), ARGS((uint64_t)s[1], P(BAD), 0)), -EFAULT);
	unpack_free(&k);
	m.msg_iovlen = 2;
	m.msg_control = BAD;
	m.msg_controllen = 64;
	assert_int_equal(lead(&k, ROW(sendmsg), ARGS((uint64_t)s[1], P(&m), 0)), -EFAULT);
	unpack_free(&k);
	m.msg_controllen = SIZE_MAX;
	assert_int_equal(lead(&k, ROW(sendmsg), ARGS((uint64_t)s[1], P(&m), 0)), -ENOBUFS);
	unpack_free(&k);
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

static void waiting(void **state)
{
	struct pollfd one[300] = {0}, other[300] = {0};
	struct timespec left[2] = {{5, 0}, {5, 0}}, nap = {0, 1};
	fd_set r[2];
	sigset_t set;
	uint64_t set_a[2] = {P(&set), 8}, set_b[2] = {P(&set), 8};
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], "x", 1), 1);
	for (int i = 0; i < 300; i++) {
		one[i] = (struct pollfd){i ? -1 : p[0], POLLIN, 0x55};
		other[i] = (struct pollfd){i ? -1 : p[0], POLLIN, 0x66};
	}
	sigemptyset(&set);
	assert_int_equal(both(ROW(poll), ARGS(P(one), 300, 0), ARGS(P(other), 300, 0)), 1);
	assert_memory_equal(one, other, sizeof(one));
	assert_int_equal(other[0].revents, POLLIN);
	assert_int_equal(other[299].revents, 0);
	assert_int_equal(both(ROW(ppoll), ARGS(P(one), 1, P(&left[0]), P(&set), 8),
			      ARGS(P(other), 1, P(&left[1]), P(&set), 8)),
			 1);
	assert_memory_equal(&left[0], &left[1], sizeof(left[0]));
	assert_true(left[1].tv_sec < 5);
	different(ROW(ppoll), ARGS(P(one), 2, P(&nap), 0, 8), ARGS(P(one), 2, 0, 0, 8), 2, 0);

	for (int i = 0; i < 2; i++) {
		FD_ZERO(&r[i]);
		FD_SET(p[0], &r[i]);
		FD_SET(p[1], &r[i]);
		left[i] = (struct timespec){5, 0};
	}
	FD_SET(p[1] + 1, &r[0]); /* beyond the end */
	assert_int_equal(both(ROW(pselect6),
			      ARGS((uint64_t)p[1] + 1, P(&r[0]), 0, 0, P(&left[0]), P(set_a)),
			      ARGS((uint64_t)p[1] + 1, P(&r[1]), 0, 0, P(&left[1]), P(set_b))),
			 1);
	assert_true(FD_ISSET(p[0], &r[1]));
	assert_false(FD_ISSET(p[1], &r[1]));
	assert_memory_equal(&left[0], &left[1], sizeof(left[0]));
	assert_int_equal(both(ROW(pselect6), ARGS((uint64_t)-1, P(&r[0]), 0, 0, 0, 0),
			      ARGS((uint64_t)-1, P(&r[1]), 0, 0, 0, 0)),
			 -EINVAL);
	assert_int_equal(both(ROW(nanosleep), ARGS(P(&nap), P(&left[0])), ARGS(P(&nap), 1)), 0);
	close(p[0]);
	close(p[1]);
}

static void ignore(int number)
{
	(void)number;
}

static void interrupted(void **state)
{
	struct timespec nap = {60, 0}, left[2] = {{7, 7}, {8, 8}};
	struct sigaction sa = {.sa_handler = ignore};
	siginfo_t info[2];
	struct packed k;
	int status[2] = {7, 8};
	timer_t timer;
	pid_t pid;

	(void)state;
	/* a period, so that the signal can't come before the sleep alone */
	assert_int_equal(sigaction(SIGUSR1, &sa, NULL), 0);
	assert_int_equal(timer_create(CLOCK_MONOTONIC,
				      &(struct sigevent){.sigev_notify = SIGEV_SIGNAL,
							 .sigev_signo = SIGUSR1},
				      &timer),
			 0);
	assert_int_equal(
		timer_settime(timer, 0, &(struct itimerspec){{0, 50000000}, {0, 50000000}}, NULL),
		0);
	assert_int_equal(lead(&k, ROW(nanosleep), ARGS(P(&nap), P(&left[0]))), -EINTR);
	timer_delete(timer);
	outputs(&k, ROW(nanosleep), ARGS(P(&nap), P(&left[0])));
	assert_int_equal(unpack_outputs(ROW(nanosleep), ARGS(P(&nap), P(&left[1])), -EINTR, k.out,
					(size_t)k.out_bytes),
			 0);
	assert_memory_equal(&left[0], &left[1], sizeof(left[0]));
	assert_int_equal(left[1].tv_sec, 59);
	unpack_free(&k);

	/* nobody to wait for: only waitid writes something */
	memset(info, 0x55, sizeof(info));
	assert_int_equal(both(ROW(wait4), ARGS((uint64_t)-1, P(&status[0]), WNOHANG, 0),
			      ARGS((uint64_t)-1, P(&status[1]), WNOHANG, 0)),
			 -ECHILD);
	assert_int_equal(status[1], 8);
	assert_int_equal(both(ROW(waitid), ARGS(P_ALL, 0, P(&info[0]), WEXITED, 0),
			      ARGS(P_ALL, 0, P(&info[1]), WEXITED, 0)),
			 -ECHILD);
	assert_int_equal(info[1].si_signo, 0);
	assert_memory_equal(&info[0], &info[1], sizeof(info[0]));
	pid = fork();
	if (pid == 0)
		_exit(3);
	assert_int_equal(both(ROW(wait4), ARGS((uint64_t)pid, P(&status[0]), 0, 0),
			      ARGS((uint64_t)pid, P(&status[1]), 0, 0)),
			 pid);
	assert_true(WIFEXITED(status[1]) && WEXITSTATUS(status[1]) == 3);
}

static void rest(void **state)
{
	char cwd[2][4096] = {"", ""};
	gid_t groups[2][65] = {{0}, {0}};
	struct sembuf ops[2] = {{0, 1, 0}, {0, -1, IPC_NOWAIT}};
	struct semid_ds ds[2];
	struct {
		long type;
		char text[8];
	} m[3] = {{5, "hello"}, {0, ""}, {0, ""}};
	struct {
		unsigned bytes;
		int type;
		uint8_t handle[128];
	} h[2];
	siginfo_t info[2];
	int mount[2] = {-1, -2};
	struct packed k;
	long id, result;

	(void)state;
	result = both(ROW(getcwd), ARGS(P(cwd[0]), 4096), ARGS(P(cwd[1]), 4096));
	assert_int_equal(result, strlen(cwd[0]) + 1);
	assert_string_equal(cwd[0], cwd[1]);
	assert_int_equal(both(ROW(getcwd), ARGS(P(cwd[0]), 1), ARGS(P(cwd[1]), 1)), -ERANGE);
	result = both(ROW(getgroups), ARGS(65, P(groups[0])), ARGS(65, P(groups[1])));
	assert_true(result >= 0);
	assert_memory_equal(groups[0], groups[1], sizeof(groups[0]));
	assert_int_equal(both(ROW(getgroups), ARGS(0, 0), ARGS(0, 0)), result);
	different(ROW(setgroups), ARGS(2, P(groups[0])), ARGS(3, P(groups[1])), 0, 0);

	/* System V: what the fourth argument is depends on the command */
	id = lead(&k, ROW(semget), ARGS(IPC_PRIVATE, 1, 0600));
	unpack_free(&k);
	if (id >= 0) {
		assert_int_equal(both(ROW(semctl), ARGS((uint64_t)id, 0, SETVAL, 3),
				      ARGS((uint64_t)id, 0, SETVAL, 3)),
				 0);
		different(ROW(semctl), ARGS(1, 0, SETVAL, 3), ARGS(1, 0, SETVAL, 4), 3, 0);
		same(ROW(semctl), ARGS(1, 0, GETVAL, 3), ARGS(1, 0, GETVAL, 4));
		assert_int_equal(both(ROW(semop), ARGS((uint64_t)id, P(ops), 2),
				      ARGS((uint64_t)id, P(ops), 2)),
				 0);
		assert_int_equal(both(ROW(semctl), ARGS((uint64_t)id, 0, IPC_STAT, P(&ds[0])),
				      ARGS((uint64_t)id, 0, IPC_STAT, P(&ds[1]))),
				 0);
		assert_int_equal(ds[1].sem_nsems, 1);
		assert_int_equal(pack_call(&k, ROW(semctl), ARGS((uint64_t)id, 0, SETALL, 0)),
				 -ENOSYS);
		unpack_free(&k);
		semctl((int)id, 0, IPC_RMID);
	}
	id = lead(&k, ROW(msgget), ARGS(IPC_PRIVATE, 0600));
	unpack_free(&k);
	if (id >= 0) {
		assert_int_equal(lead(&k, ROW(msgsnd), ARGS((uint64_t)id, P(&m[0]), 5, 0)), 0);
		unpack_free(&k);
		assert_int_equal(both(ROW(msgrcv), ARGS((uint64_t)id, P(&m[1]), 8, 0, 0),
				      ARGS((uint64_t)id, P(&m[2]), 8, 0, 0)),
				 5);
		assert_memory_equal(&m[2], &m[0], sizeof(m[0]));
		msgctl((int)id, IPC_RMID, NULL);
	}

	/* a handle that doesn't fit tells its size */
	for (unsigned room = 0; room <= 128; room += 128) {
		memset(h, 0x55, sizeof(h));
		h[0].bytes = h[1].bytes = room;
		result = both(ROW(name_to_handle_at),
			      ARGS((uint64_t)AT_FDCWD, P("/tmp"), P(&h[0]), P(&mount[0]), 0),
			      ARGS((uint64_t)AT_FDCWD, P("/tmp"), P(&h[1]), P(&mount[1]), 0));
		if (result == -EOPNOTSUPP)
			break;
		assert_int_equal(result, room ? 0 : -EOVERFLOW);
		assert_memory_equal(&h[0], &h[1], sizeof(h[0]));
		assert_int_equal(mount[0], mount[1]);
	}

	/* the beginning of a siginfo is compared, all of it is sent */
	memset(info, 0, sizeof(info));
	info[0].si_signo = info[1].si_signo = SIGUSR1;
	info[0].si_code = info[1].si_code = SI_QUEUE;
	info[0].si_value.sival_ptr = &info[0];
	info[1].si_value.sival_ptr = &info[1];
	same(ROW(rt_sigqueueinfo), ARGS(1, 2, P(&info[0])), ARGS(1, 2, P(&info[1])));
	assert_int_equal(pack_call(&k, ROW(rt_sigqueueinfo), ARGS(1, 2, P(&info[0]))), 0);
	assert_memory_equal((void *)k.p.exec[2], &info[0], sizeof(info[0]));
	unpack_free(&k);
}

static void programs(void **state)
{
	const char *argv[] = {"sh", "-c", "exit 7", NULL}, *empty[] = {NULL};
	const char *other[] = {"sh", "-c", "exit 8", NULL};
	uint64_t bad[2] = {P("a"), P(BAD)};
	struct packed k;
	int status;
	pid_t pid;

	(void)state;
	different(ROW(execve), ARGS(P("a"), P(argv), P(empty)), ARGS(P("a"), P(other), P(empty)), 1,
		  8 + 8 + 8 + 8 + 8 + 8 + 5);
	different(ROW(execve), ARGS(P("a"), P(argv), P(empty)), ARGS(P("a"), P(argv), 0), 2, 0);
	pid = fork();
	if (pid == 0) {
		lead(&k, ROW(execve), ARGS(P("/bin/sh"), P(argv), P(empty)));
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	assert_int_equal(pack_call(&k, ROW(execve), ARGS(P("/bin/sh"), P(bad), 0)), 0);
	unpack_free(&k);
	assert_int_equal(lead(&k, ROW(execve), ARGS(P("/bin/sh"), P(BAD), 0)), -EFAULT);
	unpack_free(&k);
}

/* No supported row stumbles over NULLs, bad addresses or huge numbers. */
static void any_arguments(void **state)
{
	static const uint64_t values[] = {0,
					  1,
					  8,
					  3,
					  UINT64_MAX,
					  UINT32_MAX,
					  1ull << 63,
					  1025,
					  64,
					  0x7ffffffffff0,
					  0x8000000000000000};
	static uint64_t memory[512];

	(void)state;
	for (unsigned i = 0; i < CALL_COUNT; i++) {
		for (unsigned turn = 0; turn < 300; turn++) {
			uint64_t args[6];
			struct packed k;
			size_t bound;
			int error;

			for (int a = 0; a < 6; a++) {
				unsigned pick = (unsigned)random() % 16;

				args[a] = pick < 11 ? values[pick] : P(&memory[pick]);
			}
			for (int w = 0; w < 32; w++)
				memory[w] = values[random() % 8];
			error = pack_call(&k, &call_table[i], args);
			assert_true(error == 0 || error == -ENOSYS || error == -ENOSPC);
			if (!error) {
				assert_items(&call_table[i], &k);
				bound = pack_outputs_bound(&call_table[i], args, -EFAULT, &k.p);
				assert_true(bound <= 4096);
			}
			unpack_free(&k);
		}
	}
}

static bool row_says_length(const struct call_row *row, int a)
{
	unsigned type = row->arg[a].type;

	return type == ARG_INT || type == ARG_UINT || type == ARG_LONG;
}

/* Bytes from another process: any row, any result, anything in the bytes. */
static void garbage(void **state)
{
	static uint64_t memory[4096];
	unsigned refused = 0, turns = 0;

	(void)state;
	for (unsigned i = 0; i < CALL_COUNT; i++) {
		for (unsigned turn = 0; turn < 500; turn++) {
			size_t bytes = (size_t)random() % 200;
			uint8_t *buf = malloc(bytes + 1);
			uint64_t args[6], word;
			size_t offset;
			int error, arg;

			/* in the middle, so that what is written stays inside */
			for (int a = 0; a < 6; a++)
				args[a] = P(&memory[1024 + random() % 64]);
			for (int a = 0; a < 6; a++)
				if (row_says_length(&call_table[i], a))
					args[a] = (uint64_t)random() % 64;
			for (int w = 0; w < 200; w++)
				memory[1024 + w] = (uint64_t)random() % 64;
			for (size_t b = 0; b < bytes; b++)
				buf[b] = (uint8_t)random();
			for (size_t b = 0; b + 8 <= bytes; b += 8) {
				word = random() % 4 ? (uint64_t)random() % 64
						    : PACK_NULL - (uint64_t)random() % 3;
				memcpy(buf + b, &word, 8);
			}
			error = unpack_outputs(&call_table[i], args, random() % 70 - 5, buf, bytes);
			assert_true(error == 0 || error == -EPROTO || error == -EFAULT);
			refused += error != 0;
			turns++;
			/* and a report about such bytes */
			pack_difference(&call_table[i], buf, bytes, buf + bytes / 2,
					bytes - bytes / 2, &arg, &offset);
			for (int a = 0; a < 6; a++)
				assert_true(pack_item(&call_table[i].arg[a], buf, bytes) <=
					    (long)bytes);
			free(buf);
		}
	}
	assert_true(refused > turns / 2);
}

/* Every cut and every changed length of a good record is noticed. */
static void cut_records(void **state)
{
	const struct call_row *row = ROW(read);
	char a[16], b[16];
	struct packed k;
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], "0123456789", 10), 10);
	assert_int_equal(lead(&k, row, ARGS((uint64_t)p[0], P(a), 16)), 10);
	outputs(&k, row, ARGS((uint64_t)p[0], P(a), 16));
	assert_int_equal(k.out_bytes, 24);
	for (size_t bytes = 0; bytes < 24; bytes++)
		assert_int_equal(
			unpack_outputs(row, ARGS((uint64_t)p[0], P(b), 16), 10, k.out, bytes),
			-EPROTO);
	for (long result = -1; result < 20; result++)
		assert_int_equal(
			unpack_outputs(row, ARGS((uint64_t)p[0], P(b), 16), result, k.out, 24),
			result == 10 ? 0 : -EPROTO);
	assert_int_equal(unpack_outputs(row, ARGS((uint64_t)p[0], P(BAD), 16), 10, k.out, 24),
			 -EFAULT);
	assert_int_equal(unpack_outputs(row, ARGS((uint64_t)p[0], 0, 16), 10, k.out, 24), -EPROTO);
	assert_int_equal(pack_outputs(row, ARGS((uint64_t)p[0], P(a), 16), 10, &k.p, k.out, 23),
			 -ENOSPC);
	/* memory that has gone meanwhile: the follower's stays */
	assert_int_equal(pack_outputs(row, ARGS((uint64_t)p[0], P(BAD), 16), 10, &k.p, k.out, 24),
			 8);
	memcpy(b, "unchanged", 10);
	assert_int_equal(unpack_outputs(row, ARGS((uint64_t)p[0], P(b), 16), 10, k.out, 8), 0);
	assert_string_equal(b, "unchanged");
	unpack_free(&k);
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars),
		cmocka_unit_test(paths),
		cmocka_unit_test(reading_and_writing),
		cmocka_unit_test(addresses),
		cmocka_unit_test(messages),
		cmocka_unit_test(many_messages),
		cmocka_unit_test(waiting),
		cmocka_unit_test(interrupted),
		cmocka_unit_test(rest),
		cmocka_unit_test(programs),
		cmocka_unit_test(any_arguments),
		cmocka_unit_test(garbage),
		cmocka_unit_test(cut_records),
	};

	srandom(1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
