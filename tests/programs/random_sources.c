/* SPDX-License-Identifier: MIT */
/* getrandom, getentropy, /dev/urandom: bytes that differ each time and are written out. */
#include "check.h"
#include <sys/random.h>
#include <sys/syscall.h>

int main(void)
{
	unsigned char a[64], b[64], c[64], big[5000];
	int fd, i, zeros = 0;

	CHECK_EQ(getrandom(a, sizeof(a), 0), sizeof(a));
	CHECK_EQ(getentropy(b, sizeof(b)), 0);
	fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK_EQ(read(fd, c, sizeof(c)), sizeof(c));
	CHECK_EQ(close(fd), 0);
	CHECK(memcmp(a, b, 64) && memcmp(b, c, 64) && memcmp(a, c, 64));
	disclose(a, sizeof(a));
	disclose(b, sizeof(b));
	disclose(c, sizeof(c));
	CHECK_EQ(syscall(SYS_getrandom, big, sizeof(big), GRND_NONBLOCK), sizeof(big));
	for (i = 0; i < 5000; i++)
		zeros += big[i] == 0;
	CHECK(zeros < 200);
	disclose(big, sizeof(big));
	enter_scratch(); /* mkdtemp draws its name by chance as well */
	CHECK_ERR(getrandom(a, 1, 0x1000), EINVAL);
	return done();
}
