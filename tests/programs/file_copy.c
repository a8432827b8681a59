/* SPDX-License-Identifier: MIT */
/* sendfile to a file and to a socket, copy_file_range, with and without offsets. */
#include "check.h"
#include <sys/sendfile.h>
#include <sys/socket.h>

int main(void)
{
	char buf[32];
	int in, out, s[2];
	off_t off = 2;
	loff_t from = 4, to = 1;
	ssize_t n;

	enter_scratch();
	write_file("in", "0123456789");
	in = open("in", O_RDONLY);
	out = open("out", O_CREAT | O_RDWR, 0600);
	CHECK(in >= 0 && out >= 0);
	CHECK_EQ(sendfile(out, in, &off, 5), 5);
	CHECK_EQ(off, 7);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 0);
	CHECK_EQ(sendfile(out, in, NULL, 100), 10);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 10);
	check_file("out", "234560123456789");
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	off = 8;
	CHECK_EQ(sendfile(s[0], in, &off, 10), 2);
	CHECK_EQ(read(s[1], buf, sizeof(buf)), 2);
	CHECK(memcmp(buf, "89", 2) == 0);
	CHECK_EQ(sendfile(s[0], in, &off, 10), 0);

	n = copy_file_range(in, &from, out, &to, 3, 0);
	if (n < 0 && (errno == EXDEV || errno == EOPNOTSUPP || errno == ENOSYS))
		return done();
	CHECK_EQ(n, 3);
	CHECK_EQ(from, 7);
	CHECK_EQ(to, 4);
	check_file("out", "245660123456789");
	return done();
}
