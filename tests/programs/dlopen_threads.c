/* SPDX-License-Identifier: MIT */
/*
 * Threads load, look into and unload libraries, and walk through the list of them, all at once;
 * what they do meanwhile shows in calls.
 */
#include "check.h"
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>

enum { THREADS = 4, ROUNDS = 12 };

static char plain[4096], raw[4096];
static int nowhere;

static int each(struct dl_phdr_info *object, size_t size, void *arg)
{
	int *count = arg;

	(void)size;
	if (strstr(object->dlpi_name, "/plain.so") || strstr(object->dlpi_name, "/raw.so")) {
		++*count;
		CHECK_EQ(pwrite(nowhere, count, sizeof(*count), 0), sizeof(*count));
	}
	return 0;
}

static void *work(void *arg)
{
	int who = (int)(intptr_t)arg;

	for (int i = 0; i < ROUNDS; i++) {
		int (*add)(int), found = 0;
		long (*pid)(void);
		void *library = dlopen((i + who) % 2 ? plain : raw, i % 3 ? RTLD_NOW : RTLD_LAZY);

		CHECK(library);
		if ((i + who) % 2) {
			*(void **)&add = dlsym(library, "plain_add");
			CHECK(add);
			CHECK(add(9) >= 50);
		} else {
			*(void **)&pid = dlsym(library, "raw_getpid");
			CHECK(pid);
			CHECK_EQ(pid(), getpid());
		}
		dl_iterate_phdr(each, &found);
		CHECK(found >= 1);
		CHECK_EQ(pwrite(nowhere, &found, sizeof(found), who), sizeof(found));
		if (i % 4 == who)
			CHECK(!dlopen("/no/such/library.so", RTLD_NOW) && dlerror());
		CHECK_EQ(dlclose(library), 0);
	}
	return NULL;
}

int main(void)
{
	const char *dir = getenv("TEST_LIB_DIR");
	pthread_t thread[THREADS];

	if (!dir)
		SKIP("TEST_LIB_DIR is not set");
	snprintf(plain, sizeof(plain), "%s/plain.so", dir);
	snprintf(raw, sizeof(raw), "%s/raw.so", dir);
	nowhere = open("/dev/null", O_WRONLY);
	CHECK(nowhere >= 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, work, (void *)(intptr_t)i), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	return done();
}
