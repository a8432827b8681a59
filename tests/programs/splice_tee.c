/* SPDX-License-Identifier: MIT */
/* splice file to pipe to file, tee between pipes, vmsplice from memory. */
#include "check.h"
#include <sys/uio.h>

int main(void)
{
	static char text[] = "from memory";
	struct iovec iov = {text, sizeof(text) - 1};
	char buf[32];
	int in, out, p[2], q[2];
	loff_t off = 3;

	enter_scratch();
	write_file("in", "0123456789");
	in = open("in", O_RDONLY);
	out = open("out", O_CREAT | O_RDWR, 0600);
	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(pipe(q), 0);
	CHECK_EQ(splice(in, &off, p[1], NULL, 5, 0), 5);
	CHECK_EQ(off, 8);
	CHECK_EQ(tee(p[0], q[1], 4, 0), 4);
	CHECK_EQ(read(q[0], buf, sizeof(buf)), 4);
	CHECK(memcmp(buf, "3456", 4) == 0);
	CHECK_EQ(splice(p[0], NULL, out, NULL, 100, 0), 5);
	check_file("out", "34567");
	CHECK_EQ(vmsplice(p[1], &iov, 1, 0), iov.iov_len);
	CHECK_EQ(read(p[0], buf, sizeof(buf)), iov.iov_len);
	CHECK(memcmp(buf, text, iov.iov_len) == 0);
	CHECK_ERR(splice(in, NULL, out, NULL, 5, 0), EINVAL);
	CHECK_ERR(splice(p[0], NULL, out, NULL, 5, SPLICE_F_NONBLOCK), EAGAIN);
	return done();
}
