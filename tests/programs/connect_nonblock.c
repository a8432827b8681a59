/* SPDX-License-Identifier: MIT */
/* A non-blocking connect, its end by poll and SO_ERROR; a refused one. */
#include "net.h"
#include <poll.h>

static int connect_error(const struct sockaddr_in *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), error = -1;
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	socklen_t len = sizeof(error);
	int ret = connect(fd, (const struct sockaddr *)addr, sizeof(*addr));

	CHECK(ret == 0 || errno == EINPROGRESS || errno == ECONNREFUSED);
	if (ret < 0 && errno == ECONNREFUSED)
		return ECONNREFUSED;
	CHECK_EQ(poll(&p, 1, 1000), 1);
	CHECK(p.revents & POLLOUT);
	CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
	CHECK_EQ(close(fd), 0);
	return error;
}

int main(void)
{
	struct sockaddr_in addr, closed;
	int l = listener(4, &addr), fd;

	CHECK_EQ(connect_error(&addr), 0);
	fd = accept(l, NULL, NULL);
	CHECK(fd >= 0);
	CHECK_EQ(close(fd), 0);
	bound_socket(SOCK_STREAM, &closed); /* bound, but nobody listens */
	CHECK_EQ(connect_error(&closed), ECONNREFUSED);
	CHECK_ERR(connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&closed,
			  sizeof(closed)),
		  ECONNREFUSED);
	return done();
}
