/* SPDX-License-Identifier: MIT */
/* timer_create with SIGEV_SIGNAL: siginfo of the signal, intervals, overrun, delete. */
#include "check.h"

static volatile sig_atomic_t hits;
static volatile int code, value;

static void handler(int sig, siginfo_t *si, void *uc)
{
	(void)sig;
	(void)uc;
	hits++;
	code = si->si_code;
	value = si->si_value.sival_int;
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
	struct itimerspec it = {{0, 3000000}, {0, 3000000}}, left;
	sigset_t block, open;
	timer_t t;

	ev.sigev_value.sival_int = 4711;
	CHECK_EQ(sigaction(SIGRTMIN, &sa, NULL), 0);
	sigemptyset(&block);
	sigaddset(&block, SIGRTMIN);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &block, &open), 0);
	CHECK_EQ(timer_create(CLOCK_MONOTONIC, &ev, &t), 0);
	CHECK_EQ(timer_settime(t, 0, &it, NULL), 0);
	while (hits < 4)
		CHECK_ERR(sigsuspend(&open), EINTR);
	CHECK_EQ(code, SI_TIMER);
	CHECK_EQ(value, 4711);
	CHECK(timer_getoverrun(t) >= 0);
	CHECK_EQ(timer_gettime(t, &left), 0);
	CHECK_EQ(left.it_interval.tv_nsec, 3000000);
	it = (struct itimerspec){{0, 0}, {0, 0}};
	CHECK_EQ(timer_settime(t, 0, &it, NULL), 0);
	CHECK_EQ(timer_gettime(t, &left), 0);
	CHECK(left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0);
	CHECK_EQ(timer_delete(t), 0);
	return done();
}
