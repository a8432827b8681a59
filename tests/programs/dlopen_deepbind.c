/* SPDX-License-Identifier: MIT */
/* A library that is loaded so that it finds its own symbols first draws the name of a file. */
#include "check.h"
#include <dlfcn.h>

int main(void)
{
	const char *dir = getenv("TEST_LIB_DIR");
	char path[4096], name[] = "some.XXXXXX";
	int (*make)(char *);
	void *lib;

	if (!dir)
		SKIP("TEST_LIB_DIR is not set");
	snprintf(path, sizeof(path), "%s/temporary.so", dir);
	lib = dlopen(path, RTLD_NOW | RTLD_DEEPBIND);
	CHECK(lib);
	*(void **)&make = dlsym(lib, "temporary_make");
	CHECK(make);
	enter_scratch();
	CHECK(make(name) >= 0);
	disclose(name, sizeof(name));
	CHECK_EQ(unlink(name), 0);
	return done();
}
