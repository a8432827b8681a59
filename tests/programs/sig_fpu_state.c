/* SPDX-License-Identifier: MIT */
/* Floating-point values and vector registers keep across handlers that use them as well. */
#include "check.h"
#include <sys/time.h>

static volatile sig_atomic_t hits;
static volatile double sink, one = 1; /* the compiler can't know what a series is */

static void handler(int sig)
{
	double x = sig;
	int i;

	for (i = 0; i < 20; i++)
		x = x * 1.5 - 1 / (x + 3);
	sink = x;
	hits++;
}

static double series(void)
{
	double a = one, b = 0.5, c = 0.25, sum = 0;
	int i;

	for (i = 1; i < 20000; i++) {
		a = a * 0.9999 + 0.001;
		b = b + 1.0 / i;
		c = a * b - c;
		sum += c;
	}
	return sum;
}

int main(void)
{
	struct itimerval tick = {{0, 1000}, {0, 1000}}, off = {{0, 0}, {0, 0}};
	double want = series();
	int i;

	CHECK(signal(SIGALRM, handler) != SIG_ERR);
	CHECK_EQ(setitimer(ITIMER_REAL, &tick, NULL), 0);
	while (hits < 20) {
		CHECK(series() == want);
		getppid(); /* a call now and then */
	}
	CHECK_EQ(setitimer(ITIMER_REAL, &off, NULL), 0);
	for (i = 0; i < 10; i++) {
		double before = want * i;

		CHECK_EQ(raise(SIGALRM), 0);
		CHECK(before == want * i);
	}
	CHECK(hits >= 30);
	return done();
}
