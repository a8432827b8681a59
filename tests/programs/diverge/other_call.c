/* SPDX-License-Identifier: MIT */
/* expect: divergence another call: .*: fsync\(3\) where the leader made lseek */
/* Another call at the same place. */
#include "check.h"

int main(void)
{
	enter_scratch();
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	CHECK(fd >= 0);
	CHECK_EQ(twin() ? fsync(fd) : lseek(fd, 0, SEEK_SET), 0);
	return done();
}
