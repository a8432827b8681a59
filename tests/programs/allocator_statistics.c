/* SPDX-License-Identifier: MIT */
/* What an allocator says of itself, where that depends on addresses; alone, with a thread, forked.
 */
#include "check.h"
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>

static int (*control)(const char *, void *, size_t *, void *, size_t);
static int (*to_mib)(const char *, size_t *, size_t *);
static int (*control_mib)(const size_t *, size_t, void *, size_t *, void *, size_t);
static void (*print)(void (*)(void *, const char *), void *, const char *);
static int nowhere;
static size_t printed;

static void tell(const void *bytes, size_t size)
{
	CHECK_EQ(write(nowhere, bytes, size), size);
}

static void take(void *arg, const char *text)
{
	CHECK(arg == &printed);
	printed += strlen(text);
	tell(text, strlen(text));
}

static void *ask(void *unused)
{
	size_t n = 0, bytes = sizeof(n), mib[4], length = 4, own;
	struct mallinfo2 info;
	char *address_sized = malloc(100000 + ((uintptr_t)&n >> 12 & 0xfff) * 16);

	CHECK(address_sized);
	info = mallinfo2();
	CHECK(info.uordblks > 0);
	tell(&info, sizeof(info));

	CHECK_EQ(control("stats.resident", &n, &bytes, NULL, 0), 0);
	CHECK(n > 0);
	tell(&n, sizeof(n));
	CHECK_EQ(to_mib("stats.resident", mib, &length), 0);
	own = n;
	n = 0;
	CHECK_EQ(control_mib(mib, length, &n, &bytes, NULL, 0), 0);
	CHECK_EQ(n, own);
	/* No statistic: each variant's own. */
	CHECK_EQ(control("arenas.page", &own, &bytes, NULL, 0), 0);

	CHECK_EQ(control("stats.nothing", &n, &bytes, NULL, 0), ENOENT);
	CHECK_EQ(control("nothing", &n, &bytes, NULL, 0), ENOENT);
	bytes = 4;
	CHECK_EQ(control("stats.resident", &n, &bytes, NULL, 0), EINVAL);

	printed = 0;
	print(take, &printed, "options");
	CHECK_EQ(printed, 7 + 1990);
	free(address_sized);
	return unused;
}

int main(void)
{
	const char *dir = getenv("TEST_LIB_DIR");
	char path[4096];
	pthread_t thread;
	pid_t child;

	if (!dir)
		SKIP("TEST_LIB_DIR is not set");
	snprintf(path, sizeof(path), "%s/statistics.so", dir);
	/* Without jemalloc its functions, if there are any, know no name. */
	*(void **)&control = dlsym(RTLD_DEFAULT, "mallctl");
	if (control) {
		size_t n, bytes = sizeof(n);

		CHECK_EQ(control("stats.resident", &n, &bytes, NULL, 0), ENOENT);
	}
	CHECK(dlopen(path, RTLD_NOW | RTLD_GLOBAL));
	*(void **)&control = dlsym(RTLD_DEFAULT, "mallctl");
	*(void **)&to_mib = dlsym(RTLD_DEFAULT, "mallctlnametomib");
	*(void **)&control_mib = dlsym(RTLD_DEFAULT, "mallctlbymib");
	*(void **)&print = dlsym(RTLD_DEFAULT, "malloc_stats_print");
	CHECK(control && to_mib && control_mib && print);
	nowhere = open("/dev/null", O_WRONLY);
	CHECK(nowhere >= 0);

	ask(NULL);
	CHECK_EQ(pthread_create(&thread, NULL, ask, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	child = fork();
	CHECK(child >= 0);
	if (!child) {
		ask(NULL);
		_exit(7);
	}
	CHECK_EXIT(child, 7);
	ask(NULL);
	return done();
}
