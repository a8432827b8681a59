/* SPDX-License-Identifier: MIT */
/* A library's constructor may handle signals and have children, in a program that was executed. */
#include "check.h"
#include <dlfcn.h>

int main(int argc, char **argv)
{
	char *args[] = {argv[0], "1", NULL}, path[4096];
	const char *libraries = getenv("TEST_LIB_DIR");
	sigset_t mask;
	int *steps;

	if (argc == 1) {
		if (!libraries)
			SKIP("TEST_LIB_DIR isn't set");
		snprintf(path, sizeof(path), "%s/early.so", libraries);
		CHECK_EQ(setenv("LD_PRELOAD", path, 1), 0);
		execv("/proc/self/exe", args);
		return 99;
	}
	CHECK_EQ(unsetenv("LD_PRELOAD"), 0);
	steps = dlsym(RTLD_DEFAULT, "early_steps");
	CHECK(steps);
	CHECK_EQ(*steps, 6);
	CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
	CHECK_EQ(sigismember(&mask, SIGTERM), 0);
	if (strcmp(argv[1], "1") == 0) {
		snprintf(path, sizeof(path), "%s/early.so", libraries);
		CHECK_EQ(setenv("LD_PRELOAD", path, 1), 0);
		args[1] = "2";
		execv(argv[0], args);
		return 99;
	}
	return done();
}
