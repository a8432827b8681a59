/* SPDX-License-Identifier: MIT */
/* The loader knows where a program is that was executed: $ORIGIN in its search path. */
#include "check.h"
#include <dlfcn.h>

int main(int argc, char **argv)
{
	char *args[] = {argv[0], "1", NULL}, link[4096];
	int (*add)(int);
	void *library;

	if (argc == 1) {
		CHECK_EQ(setenv("LD_LIBRARY_PATH", "$ORIGIN/lib", 1), 0);
		execv("/proc/self/exe", args);
		return 99;
	}
	/* Once more, as a program that was executed. */
	if (strcmp(argv[1], "1") == 0) {
		CHECK(readlink("/proc/self/exe", link, sizeof(link)) > 0);
		args[1] = "2";
		execv(argv[0], args);
		return 99;
	}
	library = dlopen("plain.so", RTLD_NOW);
	if (!library)
		dprintf(2, "%s\n", dlerror());
	CHECK(library);
	add = (int (*)(int))dlsym(library, "plain_add");
	CHECK(add);
	CHECK_EQ(add(1), 42);
	return done();
}
