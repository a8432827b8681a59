/* SPDX-License-Identifier: MIT */
/* The mask of sigsuspend, ppoll and pselect holds for the handlers that it lets in. */
#include "check.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

static volatile int one, two, order;
static sigset_t in_handler;

static void handler(int sig)
{
	sigset_t now;

	if (sig == SIGUSR1)
		one = ++order;
	else
		two = ++order;
	CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &now), 0);
	CHECK(sigismember(&now, sig));
	in_handler = now;
}

static void send_both(void)
{
	one = two = order = 0;
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(raise(SIGUSR2), 0);
	CHECK_EQ(order, 0);
}

static void check_both(void)
{
	sigset_t now;

	CHECK_EQ(order, 2); /* both have run, though one is enough to end the wait */
	CHECK(one && two);
	CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &now), 0);
	CHECK(sigismember(&now, SIGUSR1) && sigismember(&now, SIGUSR2));
	CHECK(!sigismember(&in_handler, SIGHUP));
}

int main(void)
{
	struct sigaction sa = {.sa_handler = handler};
	struct timespec minute = {60, 0};
	struct epoll_event event;
	sigset_t block, none;
	int ep;

	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	CHECK_EQ(sigaction(SIGUSR2, &sa, NULL), 0);
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigaddset(&block, SIGUSR2);
	sigaddset(&block, SIGHUP);
	CHECK_EQ(sigprocmask(SIG_SETMASK, &block, NULL), 0);

	send_both();
	CHECK_ERR(sigsuspend(&none), EINTR);
	check_both();
	send_both();
	CHECK_ERR(ppoll(NULL, 0, &minute, &none), EINTR);
	check_both();
	send_both();
	CHECK_ERR(pselect(0, NULL, NULL, NULL, &minute, &none), EINTR);
	check_both();
	ep = epoll_create1(0);
	send_both();
	CHECK_ERR(epoll_pwait(ep, &event, 1, 60000, &none), EINTR);
	check_both();

	/* A mask that lets in one only leaves the other pending. */
	send_both();
	sigfillset(&none);
	sigdelset(&none, SIGUSR2);
	CHECK_ERR(sigsuspend(&none), EINTR);
	CHECK_EQ(two, 1);
	CHECK_EQ(one, 0);
	sigemptyset(&none);
	CHECK_EQ(sigprocmask(SIG_SETMASK, &none, NULL), 0);
	CHECK_EQ(one, 2);
	return done();
}
