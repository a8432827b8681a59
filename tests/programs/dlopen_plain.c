/* SPDX-License-Identifier: MIT */
/* dlopen, dlsym, dlclose of a library that was not there at the start; loading it again. */
#include "check.h"
#include <dlfcn.h>

int main(void)
{
	const char *dir = getenv("TEST_LIB_DIR");
	char path[4096];
	int (*add)(int), (*put)(int, const char *, int), *counter, i;
	void *lib;

	if (!dir)
		SKIP("TEST_LIB_DIR is not set");
	snprintf(path, sizeof(path), "%s/plain.so", dir);
	for (i = 0; i < 3; i++) {
		lib = dlopen(path, i % 2 ? RTLD_LAZY : RTLD_NOW);
		CHECK(lib);
		*(void **)&add = dlsym(lib, "plain_add");
		*(void **)&put = dlsym(lib, "plain_write");
		counter = dlsym(lib, "plain_counter");
		CHECK(add && put && counter);
		CHECK_EQ(*counter, 41);
		CHECK_EQ(add(9), 50);
		CHECK_EQ(put(1, "from the library\n", 17), 17);
		CHECK(!dlsym(lib, "no_such_symbol"));
		CHECK_EQ(dlclose(lib), 0);
	}
	CHECK(!dlopen("/no/such/library.so", RTLD_NOW));
	CHECK(dlerror() != NULL);
	return done();
}
