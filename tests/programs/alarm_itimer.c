/* SPDX-License-Identifier: MIT */
/* alarm, setitimer and getitimer: what is left, cancelling, intervals, virtual time. */
#include "check.h"
#include <sys/time.h>

static volatile sig_atomic_t real, virt;

static void handler(int sig)
{
	if (sig == SIGALRM)
		real++;
	else
		virt++;
}

int main(void)
{
	struct itimerval it = {{0, 5000}, {0, 5000}}, old, off = {{0, 0}, {0, 0}};
	volatile unsigned long spin = 0;

	CHECK(signal(SIGALRM, handler) != SIG_ERR);
	CHECK(signal(SIGVTALRM, handler) != SIG_ERR);
	CHECK_EQ(alarm(100), 0);
	CHECK_EQ(getitimer(ITIMER_REAL, &old), 0);
	CHECK(old.it_value.tv_sec >= 98 && old.it_value.tv_sec <= 100);
	CHECK(alarm(0) >= 98);
	CHECK_EQ(alarm(0), 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &it, NULL), 0);
	while (real < 5)
		pause();
	CHECK_EQ(setitimer(ITIMER_REAL, &off, &old), 0);
	CHECK_EQ(old.it_interval.tv_usec, 5000);
	CHECK_EQ(setitimer(ITIMER_VIRTUAL, &it, NULL), 0);
	while (virt < 2 && spin < 4000000000u) {
		spin++;
		if (spin % 100000 == 0)
			CHECK_EQ(getitimer(ITIMER_VIRTUAL, &old), 0);
	}
	CHECK(virt >= 2);
	CHECK_EQ(setitimer(ITIMER_VIRTUAL, &off, NULL), 0);
	it.it_value.tv_usec = 1000000;
	CHECK_ERR(setitimer(ITIMER_REAL, &it, NULL), EINVAL);
	return done();
}
