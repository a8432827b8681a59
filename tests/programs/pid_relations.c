/* SPDX-License-Identifier: MIT */
/* getpid, getppid, gettid by libc and by syscall(2) across forks; pids travel through a pipe. */
#include "check.h"
#include <sys/syscall.h>

int main(void)
{
	pid_t self = getpid(), parent = getppid(), pid, told;
	char text[32], back[32];
	int p[2];

	CHECK_EQ(syscall(SYS_getpid), self);
	CHECK_EQ(syscall(SYS_gettid), self);
	CHECK_EQ(syscall(SYS_getppid), parent);
	CHECK_EQ(getpgid(0), getpgrp());
	CHECK_EQ(getpgid(self), getpgrp());
	CHECK_EQ(getsid(0), getsid(self));
	CHECK_EQ(pipe(p), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		pid_t mine = getpid();

		CHECK(mine != self);
		CHECK_EQ(syscall(SYS_getpid), mine);
		CHECK_EQ(getppid(), self);
		CHECK_EQ(syscall(SYS_getppid), self);
		CHECK_EQ(getpgrp(), getpgid(self));
		CHECK_EQ(write(p[1], &mine, sizeof(mine)), sizeof(mine));
		_exit(0);
	}
	CHECK_EQ(read(p[0], &told, sizeof(told)), sizeof(told));
	CHECK_EQ(told, pid);
	CHECK_EXIT(pid, 0);
	enter_scratch();
	snprintf(text, sizeof(text), "%d %d %d\n", self, parent, pid);
	write_file("pids", text);
	check_file("pids", text);
	CHECK_EQ(readlink("/proc/self", back, sizeof(back)),
		 snprintf(text, sizeof(text), "%d", self));
	CHECK(memcmp(back, text, strlen(text)) == 0);
	return done();
}
