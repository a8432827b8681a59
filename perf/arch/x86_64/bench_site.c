/* SPDX-License-Identifier: MIT */
/*
 * What a patched site costs when the monitor does nothing: bench_site [BATCHES]  (default 2000)
 *
 * The real patcher, stub, entry and gate, around a monitor_call() that makes the call and does
 * no more. Two copies of one function, one of them patched, in turn, a batch of some 50 us each.
 *
 * Prints CSV: case,median_ns,low_ns (the lower quartile)
 *   native      getppid through the copy that isn't patched
 *   patched     through the other one
 *   added       the difference between the two of a pair of batches: the figure
 *   entry_exit  through the patched one, but the call isn't made, less a call of a function: entry
 *               and exit with warm caches and predictors. Behind a real call the same instructions
 *               cost more, since the kernel leaves them cold: that's why it isn't the figure.
 */
#include <asm/prctl.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "interpose/patch.h"
#include "monitor.h"

enum { BATCHES_MOST = 20000, CALLS = 50, BARE_CALLS = 5000, NOTHING = 39 | 1 << 20 };

long native_call(long number);
long patched_call(long number);
long no_call(long number);
extern char patched_site[];

#define CALL(name, site, instruction)                                                              \
	".p2align 6\n.globl " name "\n" name ":\n\tmovq %rdi, %rax\n" site ":\n\t" instruction     \
	"\n\tcmpq $-4095, %rax\n\tjae 1f\n\tret\n1:\tmovq $-1, %rax\n\tret\n"
__asm__(".text\n" CALL("native_call", "native_site", "syscall")
		CALL("patched_call", "patched_site", "syscall") CALL("no_call", "no_site", ""));

void gate_code_call(void);

long gate_call(long nr, long a, long b, long c, long d, long e, long f)
{
	return gate_pass(gate_code_call, nr, a, b, c, d, e, f);
}

void monitor_call(struct regs *regs)
{
	uint64_t a[6];

	if (regs_number(regs) == NOTHING)
		regs_leave(regs);
	regs_args(regs, a);
	regs_set_result(regs, gate_pass(gate_code_call, regs_number(regs), (long)a[0], (long)a[1],
					(long)a[2], (long)a[3], (long)a[4], (long)a[5]));
}

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double batch(long (*call)(long), long number, int calls)
{
	double start = now_ns();

	for (int i = 0; i < calls; i++)
		call(number);
	return (now_ns() - start) / calls;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(const char *name, double *ns, int count)
{
	qsort(ns, (size_t)count, sizeof(*ns), by_size);
	printf("%s,%.1f,%.1f\n", name, ns[count / 2], ns[count / 4]);
}

int main(int argc, char **argv)
{
	static double native[BATCHES_MOST], patched[BATCHES_MOST], added[BATCHES_MOST],
		bare[BATCHES_MOST];
	static struct thread thread = {.self = &thread};
	int batches = argc > 1 ? atoi(argv[1]) : 2000;
	size_t stack = 64 * 1024;
	char *memory =
		mmap(NULL, stack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (argc > 2 || batches < 1 || batches > BATCHES_MOST)
		errx(2, "usage: bench_site [BATCHES], at most %d", BATCHES_MOST);
	if (memory == MAP_FAILED)
		err(1, "mmap");
	thread.stack = (uint64_t)(memory + stack);
	if (syscall(SYS_arch_prctl, ARCH_SET_GS, &thread))
		err(1, "arch_prctl");
	if (patch_init((uintptr_t)monitor_entry) ||
	    !site_stub((uintptr_t)patched_site, SYS_getppid, true))
		errx(1, "the site could not be patched");
	if ((unsigned char)patched_site[0] != 0xe9 || patched_call(SYS_getppid) != getppid())
		errx(1, "the patched site does not work");
	for (int i = 0; i < batches; i++) {
		native[i] = batch(native_call, SYS_getppid, CALLS);
		patched[i] = batch(patched_call, SYS_getppid, CALLS);
		added[i] = patched[i] - native[i];
		bare[i] = batch(patched_call, NOTHING, BARE_CALLS) -
			  batch(no_call, NOTHING, BARE_CALLS);
	}
	printf("case,median_ns,low_ns\n");
	print("native", native, batches);
	print("patched", patched, batches);
	print("added", added, batches);
	print("entry_exit", bare, batches);
	return 0;
}
