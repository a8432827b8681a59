/* SPDX-License-Identifier: MIT */
/* getrlimit, setrlimit, prlimit of a child, inherited limits, getrusage; RLIMIT_FSIZE at work. */
#include "check.h"
#include <sys/resource.h>

int main(void)
{
	struct rlimit lim, old, small = {1000, 1000};
	struct rusage ru;
	char buf[800];
	int fd;
	pid_t pid;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &lim), 0);
	CHECK(lim.rlim_cur >= 64 && lim.rlim_cur <= lim.rlim_max);
	lim.rlim_cur = 64;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &lim), 0);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &lim), 0);
	CHECK_EQ(lim.rlim_cur, 64);
	CHECK_EQ(sysconf(_SC_OPEN_MAX), 64);
	CHECK_ERR(dup2(0, 64), EBADF);
	CHECK_EQ(prlimit(0, RLIMIT_CORE, NULL, &old), 0);
	lim = (struct rlimit){lim.rlim_max + 1, lim.rlim_max};
	CHECK_ERR(setrlimit(RLIMIT_NOFILE, &lim), EINVAL);
	enter_scratch();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQ(getrlimit(RLIMIT_NOFILE, &lim), 0);
		CHECK_EQ(lim.rlim_cur, 64);
		CHECK_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
		/* A process starts as ever. */
		pid = fork();
		if (pid == 0)
			_exit(7);
		CHECK_EXIT(pid, 7);
		CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
		fd = open("f", O_CREAT | O_WRONLY, 0600);
		memset(buf, 'x', sizeof(buf));
		CHECK_EQ(write(fd, buf, 800), 800);
		CHECK_EQ(write(fd, buf, 800), 200);
		CHECK_ERR(write(fd, buf, 800), EFBIG);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	CHECK_EQ(getrusage(RUSAGE_SELF, &ru), 0);
	CHECK(ru.ru_maxrss > 0 && ru.ru_utime.tv_sec < 10);
	disclose(&ru, sizeof(ru));
	CHECK_EQ(getrusage(RUSAGE_CHILDREN, &ru), 0);
	CHECK(ru.ru_maxrss > 0);
	CHECK_ERR(getrusage(99, &ru), EINVAL);
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), nice(0));
	return done();
}
