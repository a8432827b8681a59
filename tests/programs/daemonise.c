/* SPDX-License-Identifier: MIT */
/* The classic daemon: fork, setsid, fork, chdir, closing everything; it reports by a file. */
#include "check.h"

int main(void)
{
	char byte;
	int p[2], status;
	pid_t pid;

	enter_scratch();
	CHECK_EQ(pipe(p), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		pid_t leader;

		CHECK_EQ(setsid(), getpid());
		CHECK_EQ(getsid(0), getpid());
		CHECK_EQ(getpgrp(), getpid());
		CHECK_ERR(setsid(), EPERM);
		leader = getpid();
		pid = fork();
		CHECK(pid >= 0);
		if (pid)
			_exit(0);
		CHECK_EQ(getsid(0), leader);
		CHECK(getpid() != leader);
		CHECK_EQ(close(0), 0);
		CHECK_EQ(close(1), 0);
		CHECK_EQ(open("/dev/null", O_RDWR), 0);
		CHECK_EQ(dup(0), 1);
		while (getppid() == leader) /* until the session's leader has gone */
			pause_ms(1);
		umask(0);
		write_file("daemon.pid", "running");
		CHECK_EQ(write(p[1], "d", 1), 1);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(close(p[1]), 0);
	CHECK_EQ(read(p[0], &byte, 1), 1);
	CHECK_EQ(byte, 'd');
	check_file("daemon.pid", "running");
	CHECK_EQ(read(p[0], &byte, 1), 0); /* the daemon has ended */
	return done();
}
