/* SPDX-License-Identifier: MIT */
/* The umask is inherited by children and through exec, and a child's change stays its own. */
#include "check.h"

int main(void)
{
	struct stat st;
	pid_t pid;

	enter_scratch();
	umask(037);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQ(umask(0), 037);
		CHECK_EQ(mkdir("child", 0777), 0);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	CHECK_EQ(mkdir("parent", 0777), 0);
	CHECK_EQ(stat("child", &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0777);
	CHECK_EQ(stat("parent", &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0740);
	CHECK_EQ(system(": >shell"), 0);
	CHECK_EQ(stat("shell", &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0640);
	return done();
}
