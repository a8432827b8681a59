/* SPDX-License-Identifier: MIT */
/* A library loaded at run time makes system calls by instructions of its own. */
#include "check.h"
#include <dlfcn.h>

int main(void)
{
	const char *dir = getenv("TEST_LIB_DIR");
	long (*put)(int, const char *, long), (*pid)(void);
	char path[4096];
	void *lib;
	int i;

	if (!dir)
		SKIP("TEST_LIB_DIR is not set");
	snprintf(path, sizeof(path), "%s/raw.so", dir);
	lib = dlopen(path, RTLD_NOW);
	CHECK(lib);
	*(void **)&put = dlsym(lib, "raw_write");
	*(void **)&pid = dlsym(lib, "raw_getpid");
	CHECK(put && pid);
	for (i = 0; i < 10; i++) {
		CHECK_EQ(pid(), getpid());
		CHECK_EQ(put(1, "raw\n", 4), 4);
	}
	CHECK_EQ(put(-1, "x", 1), -EBADF);
	CHECK_EQ(dlclose(lib), 0);
	return done();
}
