/* SPDX-License-Identifier: MIT */
/* memfd_create: mapped, sealed, inherited by a child. */
#include "check.h"
#include <sys/mman.h>

int main(void)
{
	char *m, buf[16];
	int fd = memfd_create("name", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	pid_t pid;

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, 4096), 0);
	m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(m != MAP_FAILED);
	strcpy(m, "in the map");
	CHECK_EQ(pread(fd, buf, sizeof(buf), 0), sizeof(buf));
	CHECK(strcmp(buf, "in the map") == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQ(pwrite(fd, "by child", 9, 100), 9);
		strcpy(m + 200, "stored by child");
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	CHECK(strcmp(m + 100, "by child") == 0);
	CHECK(strcmp(m + 200, "stored by child") == 0);
	CHECK_EQ(munmap(m, 4096), 0);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_WRITE), 0);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_WRITE);
	CHECK_ERR(ftruncate(fd, 0), EPERM);
	CHECK_ERR(write(fd, "x", 1), EPERM);
	return done();
}
