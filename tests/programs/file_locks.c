/* SPDX-License-Identifier: MIT */
/* POSIX record locks, open file description locks and flock between parent and child. */
#include "check.h"
#include <sys/file.h>

/* What nobody has set in the structure differs wherever it lies. */
static void uninitialised(int fd)
{
	struct flock lock;

	memset(&lock, (int)((uintptr_t)&lock >> 8), sizeof(lock));
	lock.l_type = F_WRLCK;
	lock.l_whence = SEEK_SET;
	lock.l_start = 100;
	lock.l_len = 1;
	CHECK_EQ(fcntl(fd, F_SETLK, &lock), 0);
	CHECK_EQ(fcntl(fd, F_GETLK, &lock), 0);
	CHECK_EQ(lock.l_type, F_UNLCK);
	CHECK_EQ(fcntl(fd, F_SETLKW, &lock), 0);
}

int main(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 5};
	int fd, other, sync[2];
	char c;
	pid_t pid;

	enter_scratch();
	fd = open("f", O_CREAT | O_RDWR, 0600);
	CHECK(fd >= 0);
	uninitialised(fd);
	CHECK_EQ(fcntl(fd, F_SETLK, &lock), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		struct flock probe = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 11};

		CHECK_EQ(fcntl(fd, F_GETLK, &probe), 0);
		CHECK_EQ(probe.l_type, F_WRLCK);
		CHECK_EQ(probe.l_start, 10);
		CHECK_EQ(probe.l_len, 5);
		CHECK_EQ(probe.l_pid, getppid());
		CHECK(fcntl(fd, F_SETLK, &lock) < 0 && (errno == EAGAIN || errno == EACCES));
		probe = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};
		CHECK_EQ(fcntl(fd, F_SETLK, &probe), 0);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	lock.l_type = F_UNLCK;
	CHECK_EQ(fcntl(fd, F_SETLKW, &lock), 0);

	other = open("f", O_RDWR);
	CHECK(other >= 0);
	lock = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
	CHECK_EQ(fcntl(fd, F_OFD_SETLK, &lock), 0);
	CHECK_ERR(fcntl(other, F_OFD_SETLK, &lock), EAGAIN);
	lock.l_type = F_UNLCK;
	CHECK_EQ(fcntl(fd, F_OFD_SETLK, &lock), 0);

	CHECK_EQ(flock(fd, LOCK_EX), 0);
	CHECK_ERR(flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	CHECK_EQ(pipe(sync), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		int mine = open("f", O_RDWR);

		CHECK(mine >= 0);
		CHECK_EQ(write(sync[1], "x", 1), 1);
		CHECK_EQ(flock(mine, LOCK_EX), 0); /* waits for the parent */
		_exit(0);
	}
	CHECK_EQ(read(sync[0], &c, 1), 1);
	CHECK_EQ(close(other), 0);
	CHECK_EQ(flock(fd, LOCK_UN), 0);
	CHECK_EXIT(pid, 0);
	return done();
}
