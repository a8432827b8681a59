/* SPDX-License-Identifier: MIT */
/* The vDSO's functions enter the monitor; the originals answer as before and make no calls. */
#include "patch_host.h"

#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "interpose/vdso.h"

static struct vdso_original original;

static void start(void)
{
	int r;

	CHECK(patch_init((uintptr_t)entry) == 0);
	r = vdso_patch(getauxval(AT_SYSINFO_EHDR), &original);
	printf("# %d functions redirected\n", r);
	fflush(stdout);
	CHECK(r >= 5);
	CHECK(stats_now().unprotected == 0);
}

static int64_t nanoseconds(const struct timespec *t)
{
	return t->tv_sec * INT64_C(1000000000) + t->tv_nsec;
}

static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC,       CLOCK_MONOTONIC_RAW,
			     CLOCK_BOOTTIME, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE,
			     CLOCK_TAI};
#define CLOCKS (sizeof clocks / sizeof *clocks)

/* before <= program's <= original's <= program's, for each clock. */
static void values(void)
{
	struct timespec a[CLOCKS], b, c, d, resolution, res;
	unsigned cpu, node;
	struct timeval tv;
	cpu_set_t set;
	uint64_t calls;

	for (unsigned i = 0; i < CLOCKS; i++)
		CHECK(!clock_gettime(clocks[i], &a[i]));
	CHECK(!clock_getres(CLOCK_MONOTONIC, &res));
	start();
	CHECK(original.clock_gettime && original.gettimeofday && original.time &&
	      original.clock_getres && original.getcpu);
	for (unsigned i = 0; i < CLOCKS; i++) {
		calls = entry_calls;
		CHECK(!clock_gettime(clocks[i], &b));
		CHECK(entry_calls == calls + 1);
		CHECK(original.clock_gettime(clocks[i], &c) == 0);
		CHECK(entry_calls == calls + 1);
		CHECK(!clock_gettime(clocks[i], &d));
		CHECK(nanoseconds(&a[i]) <= nanoseconds(&b));
		CHECK(nanoseconds(&b) <= nanoseconds(&c));
		CHECK(nanoseconds(&c) <= nanoseconds(&d));
		CHECK(nanoseconds(&d) - nanoseconds(&a[i]) < INT64_C(10000000000));
	}
	calls = entry_calls;
	CHECK(!gettimeofday(&tv, NULL) && entry_calls == calls + 1);
	CHECK(tv.tv_sec - time(NULL) <= 0 && entry_calls == calls + 2);
	CHECK(!clock_getres(CLOCK_MONOTONIC, &resolution) && entry_calls == calls + 3);
	CHECK(nanoseconds(&resolution) == nanoseconds(&res));
	CPU_ZERO(&set);
	CHECK(!sched_getaffinity(0, sizeof set, &set) && getcpu(&cpu, &node) == 0);
	CHECK(CPU_ISSET(cpu, &set) && entry_calls == calls + 4);
	CHECK(original.gettimeofday(&tv, NULL) == 0 && original.time(NULL) >= tv.tv_sec);
	CHECK(original.clock_getres(CLOCK_MONOTONIC, &resolution) == 0);
	CHECK(original.getcpu(&cpu, &node, NULL) == 0 && CPU_ISSET(cpu, &set));
	CHECK(entry_calls == calls + 4);
}

static void test_values(void **state)
{
	(void)state;
	in_child(values);
}

/* Where the vDSO falls back to the kernel, an original does not, not even through the trap. */
static void fallbacks(void)
{
	struct timespec t, resolution;
	uint64_t calls;

	start();
	trap_on();
	calls = entry_calls;
	CHECK(original.clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == -ENOSYS);
	CHECK(original.clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == -ENOSYS);
	CHECK(original.clock_gettime(-7, &t) == -ENOSYS);
	CHECK(original.clock_getres(99, &resolution) == -ENOSYS);
	CHECK(entry_calls == calls && !traps);
	trap_off();
	calls = entry_calls;
	CHECK(!clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) && entry_calls == calls + 1);
	CHECK(clock_gettime(99, &t) == -1 && errno == EINVAL);
}

static void test_fallbacks(void **state)
{
	(void)state;
	in_child(fallbacks);
}

/* Those who look the functions up themselves; both names of one function. */
static void raw(void)
{
	void *vdso = dlopen("linux-vdso.so.1", RTLD_LAZY | RTLD_NOLOAD);
	int (*gettime)(int, struct timespec *), (*weak)(int, struct timespec *);
	long (*getrandom)(void *, size_t, unsigned, void *, size_t);
	struct timespec t;
	char buffer[16], query[64];
	uint64_t calls;

	CHECK(vdso);
	gettime = (int (*)(int, struct timespec *))dlsym(vdso, "__vdso_clock_gettime");
	weak = (int (*)(int, struct timespec *))dlsym(vdso, "clock_gettime");
	getrandom =
		(long (*)(void *, size_t, unsigned, void *, size_t))dlsym(vdso, "__vdso_getrandom");
	start();
	calls = entry_calls;
	CHECK(gettime && gettime(CLOCK_REALTIME, &t) == 0 && entry_calls == calls + 1);
	CHECK(weak && weak(CLOCK_REALTIME, &t) == 0 && entry_calls == calls + 2);
	if (getrandom) {
		CHECK(getrandom(buffer, sizeof buffer, 0, NULL, 0) == sizeof buffer);
		CHECK(entry_calls == calls + 3);
		CHECK(getrandom(NULL, 0, 0, query, (size_t)-1) == -ENOSYS);
		CHECK(entry_calls == calls + 3);
		CHECK(!original.getrandom ||
		      original.getrandom(buffer, sizeof buffer, 0, NULL, 0) == -ENOSYS);
	}
}

static void test_raw(void **state)
{
	(void)state;
	in_child(raw);
}

static void not_a_vdso(void)
{
	static char page[4096] __attribute__((aligned(4096))) = "no ELF";

	CHECK(patch_init((uintptr_t)entry) == 0);
	CHECK(vdso_patch((uintptr_t)page, &original) == -ENOEXEC);
}

static void test_not_a_vdso(void **state)
{
	(void)state;
	in_child(not_a_vdso);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_fallbacks),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_not_a_vdso),
	};

	return cmocka_run_group_tests_name("vdso", tests, NULL, NULL);
}
