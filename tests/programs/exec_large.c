/* SPDX-License-Identifier: MIT */
/* exec with a large environment, long arguments, and many inherited descriptors. */
#include "check.h"

#include <sys/resource.h>

#define VARIABLES 2000
#define LAST 6000

int main(int argc, char **argv)
{
	static char *env[VARIABLES + 2], huge[100000];
	char number[16], *args[] = {argv[0], number, huge, NULL}, c;
	struct rlimit lim;
	int fd, p[2];

	if (argc > 1) {
		fd = atoi(argv[1]);
		CHECK_EQ(strlen(argv[2]), sizeof(huge) - 1);
		for (int i = 0; i < VARIABLES; i += 97) {
			char name[32], *value;

			snprintf(name, sizeof(name), "VARIABLE_%d", i);
			value = getenv(name);
			CHECK(value && atoi(value) == i);
			CHECK_EQ(strlen(value), 100);
		}
		/* The descriptor is a pipe's, and its neighbours aren't there. */
		CHECK_EQ(write(fd, "p", 1), 1);
		CHECK_EQ(read(fd - 1, &c, 1), 1);
		CHECK_EQ(c, 'p');
		CHECK_ERR(read(fd + 1, &c, 1), EBADF);
		CHECK_EQ(dup(fd) < fd, 1);
		return done();
	}
	memset(huge, 'h', sizeof(huge) - 1);
	for (int i = 0; i < VARIABLES; i++) {
		CHECK(asprintf(&env[i], "VARIABLE_%d=%0100d", i, i) > 0);
	}
	CHECK(asprintf(&env[VARIABLES], "TMPDIR=%s", getenv("TMPDIR") ?: "/tmp") > 0);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &lim), 0);
	if (lim.rlim_max < LAST + 10)
		SKIP("the hard limit of descriptors is too low");
	lim.rlim_cur = LAST + 10;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &lim), 0);
	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(dup2(p[0], LAST - 1), LAST - 1);
	CHECK_EQ(dup2(p[1], LAST), LAST);
	snprintf(number, sizeof(number), "%d", LAST);
	execve("/proc/self/exe", args, env);
	return 1;
}
