/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .* fcntl\(.*F_SETLK */
#include "check.h"

int main(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = twin() ? 6 : 5};
	int fd;

	enter_scratch();
	fd = open("f", O_CREAT | O_RDWR, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_SETLK, &lock), 0);
	return done();
}
