/* SPDX-License-Identifier: MIT */
/*
 * What a system call costs: calls [BATCHES [MICROSECONDS]]   (default 400 400)
 *
 * Each call is made in BATCHES batches of about MICROSECONDS each, the calls in turn, so that a
 * disturbance doesn't hit one of them only. Prints CSV: call,kind,median_ns,low_ns (the lowest
 * tenth's end: a batch is shorter than a time slice, so whatever else runs on the core spoils some
 * batches and leaves the others alone).
 *
 * kind: private (every variant makes it on itself), replicated (the leader makes it, the
 * followers get its result), vdso (a clock, read without a system call).
 *
 * Under Tandem only the leader's output leaves the process, and time is the leader's time. A
 * batch fits into the ring, so where the policy lets the leader run ahead, this is the leader's
 * own cost; longer batches (calls 20 50000) show followers that hold it back.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { BATCHES_MOST = 10000 };

static int zero_fd, pipe_fds[2];
static uint32_t nobody_waits;
static char buffer[4096];

static long yield_call(void)
{
	return syscall(SYS_sched_yield);
}

static long futex_call(void)
{
	return syscall(SYS_futex, &nobody_waits, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static long getppid_call(void)
{
	return syscall(SYS_getppid);
}

static long read64_call(void)
{
	return read(zero_fd, buffer, 64) - 64;
}

static long read4096_call(void)
{
	return read(zero_fd, buffer, sizeof(buffer)) - (long)sizeof(buffer);
}

static long pipe_call(void)
{
	return (write(pipe_fds[1], buffer, 64) - 64) | (read(pipe_fds[0], buffer, 64) - 64);
}

static long clock_call(void)
{
	struct timespec now;

	return clock_gettime(CLOCK_MONOTONIC, &now);
}

static struct call {
	const char *name, *kind;
	long (*make)(void); /* returns 0 or more, getppid's result included */
	uint64_t count;     /* calls in a batch */
	double ns[BATCHES_MOST];
} calls[] = {
	{.name = "sched_yield", .kind = "private", .make = yield_call},
	{.name = "futex_wake", .kind = "private", .make = futex_call},
	{.name = "getppid", .kind = "replicated", .make = getppid_call},
	{.name = "read_64", .kind = "replicated", .make = read64_call},
	{.name = "read_4096", .kind = "replicated", .make = read4096_call},
	{.name = "pipe_64", .kind = "replicated", .make = pipe_call},
	{.name = "clock_gettime", .kind = "vdso", .make = clock_call},
};
enum { CALLS = sizeof(calls) / sizeof(calls[0]) };

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t run(struct call *call, uint64_t count)
{
	uint64_t start = now_ns();

	for (uint64_t i = 0; i < count; i++)
		if (call->make() < 0)
			err(1, "%s", call->name);
	return now_ns() - start;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	int batches = argc > 1 ? atoi(argv[1]) : 400, microseconds = argc > 2 ? atoi(argv[2]) : 400;

	if (argc > 3 || batches < 1 || batches > BATCHES_MOST || microseconds < 1)
		errx(2, "usage: calls [BATCHES [MICROSECONDS]], at most %d batches", BATCHES_MOST);
	zero_fd = open("/dev/zero", O_RDONLY);
	if (zero_fd < 0 || pipe(pipe_fds) < 0)
		err(1, "/dev/zero, pipe");
	/* A first batch warms up (and, under Tandem, patches the sites) and tells the count. */
	for (int c = 0; c < CALLS; c++) {
		uint64_t wanted = (uint64_t)microseconds * 1000u, took;

		run(&calls[c], 100);
		for (calls[c].count = 16;; calls[c].count *= 2) {
			took = run(&calls[c], calls[c].count);
			if (took > wanted / 4)
				break;
		}
		calls[c].count = calls[c].count * wanted / took + 1;
	}
	for (int b = 0; b < batches; b++)
		for (int c = 0; c < CALLS; c++)
			calls[c].ns[b] =
				(double)run(&calls[c], calls[c].count) / (double)calls[c].count;
	printf("call,kind,median_ns,low_ns\n");
	for (int c = 0; c < CALLS; c++) {
		qsort(calls[c].ns, (size_t)batches, sizeof(double), by_size);
		printf("%s,%s,%.1f,%.1f\n", calls[c].name, calls[c].kind, calls[c].ns[batches / 2],
		       calls[c].ns[batches / 10]);
	}
	return 0;
}
