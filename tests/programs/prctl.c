/* SPDX-License-Identifier: MIT */
/* prctl: the name, dumpable, no_new_privs, the signal for a parent's death. */
#include "check.h"
#include <sys/prctl.h>

int main(void)
{
	char name[16] = "";
	int sig = -1;
	pid_t pid;

	CHECK_EQ(prctl(PR_SET_NAME, "a-rather-long-name"), 0);
	CHECK_EQ(prctl(PR_GET_NAME, name), 0);
	CHECK(strcmp(name, "a-rather-long-n") == 0);
	check_file("/proc/self/comm", "a-rather-long-n\n");
	CHECK_EQ(prctl(PR_SET_PDEATHSIG, SIGUSR1), 0);
	CHECK_EQ(prctl(PR_GET_PDEATHSIG, &sig), 0);
	CHECK_EQ(sig, SIGUSR1);
	CHECK_EQ(prctl(PR_SET_PDEATHSIG, 0), 0);
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 0), 0);
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 0);
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
		CHECK_EQ(prctl(PR_GET_NAME, name), 0);
		CHECK(strcmp(name, "a-rather-long-n") == 0);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	CHECK_ERR(prctl(9999, 0, 0, 0, 0), EINVAL);
	return done();
}
