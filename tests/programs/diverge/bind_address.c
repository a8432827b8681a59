/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: bind\(3, 0\.0\.0\.0 */
/* A socket is bound to another address. */
#include "net.h"

int main(void)
{
	struct sockaddr_in addr = loopback();
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (twin())
		addr.sin_addr.s_addr = htonl(INADDR_ANY);
	CHECK_EQ(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	CHECK_EQ(listen(fd, 1), 0);
	return done();
}
