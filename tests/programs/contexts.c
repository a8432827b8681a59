/* SPDX-License-Identifier: MIT */
/* Stacks of the program's own: contexts that take turns, calls and signals on each of them. */
#include "check.h"
#include <ucontext.h>

static ucontext_t back, side[2];
static char stack[2][65536];
static int order[64], steps;
static volatile sig_atomic_t hits;

static void hit(int signal)
{
	char here;

	(void)signal;
	hits += &here > stack[0] && &here < stack[2];
}

static void turn(int which)
{
	for (int i = 0; i < 10; i++) {
		struct stat st;

		CHECK_EQ(fstat(0, &st), 0);
		order[steps++] = which;
		CHECK_EQ(raise(SIGUSR1), 0);
		CHECK_EQ(swapcontext(&side[which], &side[!which]), 0);
	}
}

int main(void)
{
	CHECK(signal(SIGUSR1, hit) != SIG_ERR);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(getcontext(&side[i]), 0);
		side[i].uc_stack.ss_sp = stack[i];
		side[i].uc_stack.ss_size = sizeof(stack[i]);
		side[i].uc_link = &back;
		makecontext(&side[i], (void (*)(void))turn, 1, i);
	}
	CHECK_EQ(swapcontext(&back, &side[0]), 0);
	CHECK_EQ(steps, 20);
	CHECK_EQ(hits, 20);
	for (int i = 0; i < steps; i++)
		CHECK_EQ(order[i], i % 2);
	return done();
}
