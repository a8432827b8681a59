/* SPDX-License-Identifier: MIT */
/* A Unix stream socket with a path, several clients in children. */
#include "check.h"
#include <sys/socket.h>
#include <sys/un.h>

int main(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = "sock"}, got;
	socklen_t len = sizeof(got);
	int l, c, i, seen = 0;
	char byte;
	pid_t pid[4];

	enter_scratch();
	l = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_EQ(bind(l, (struct sockaddr *)&addr, sizeof(addr)), 0);
	CHECK_ERR(bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&addr, sizeof(addr)),
		  EADDRINUSE);
	CHECK_EQ(listen(l, 8), 0);
	CHECK_EQ(getsockname(l, (struct sockaddr *)&got, &len), 0);
	CHECK(strcmp(got.sun_path, "sock") == 0);
	for (i = 0; i < 4; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (pid[i] == 0) {
			c = socket(AF_UNIX, SOCK_STREAM, 0);
			CHECK_EQ(connect(c, (struct sockaddr *)&addr, sizeof(addr)), 0);
			byte = 1 << i;
			CHECK_EQ(write(c, &byte, 1), 1);
			CHECK_EQ(read(c, &byte, 1), 1);
			_exit(byte);
		}
	}
	for (i = 0; i < 4; i++) {
		c = accept(l, NULL, NULL);
		CHECK(c >= 0);
		CHECK_EQ(read(c, &byte, 1), 1);
		seen += byte;
		byte += 40;
		CHECK_EQ(write(c, &byte, 1), 1);
		CHECK_EQ(close(c), 0);
	}
	CHECK_EQ(seen, 15);
	for (i = 0; i < 4; i++)
		CHECK_EXIT(pid[i], 40 + (1 << i));
	CHECK_EQ(unlink("sock"), 0);
	CHECK_ERR(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&addr, sizeof(addr)),
		  ENOENT);
	return done();
}
