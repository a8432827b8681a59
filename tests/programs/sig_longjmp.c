/* SPDX-License-Identifier: MIT */
/* siglongjmp out of handlers many times, with the mask restored, also out of a blocking call. */
#include "check.h"
#include <setjmp.h>
#include <sys/time.h>

static sigjmp_buf env;

static void handler(int sig)
{
	siglongjmp(env, sig);
}

int main(void)
{
	struct itimerval once = {{0, 0}, {0, 10000}};
	volatile int rounds = 0;
	sigset_t now;
	int p[2], sig;
	char c;

	CHECK(signal(SIGUSR1, handler) != SIG_ERR);
	CHECK(signal(SIGALRM, handler) != SIG_ERR);
	CHECK_EQ(pipe(p), 0);
	sig = sigsetjmp(env, 1);
	if (rounds < 50) {
		CHECK_EQ(sig, rounds ? SIGUSR1 : 0);
		CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &now), 0);
		CHECK_EQ(sigismember(&now, SIGUSR1), 0);
		rounds++;
		raise(SIGUSR1);
		CHECK(0);
	}
	if (sigsetjmp(env, 1) == 0) {
		CHECK_EQ(setitimer(ITIMER_REAL, &once, NULL), 0);
		CHECK_EQ(read(p[0], &c, 1), 1);
		CHECK(0);
	}
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(read(p[0], &c, 1), 1);
	/* Without the mask saved, the signal stays blocked. */
	if (sigsetjmp(env, 0) == 0)
		raise(SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &now), 0);
	CHECK_EQ(sigismember(&now, SIGUSR1), 1);
	printf("%d\n", rounds);
	return done();
}
