/* SPDX-License-Identifier: MIT */
/* A signal ends blocking calls with EINTR: epoll_wait, poll, select, nanosleep, accept and more. */
#include "net.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/time.h>

static volatile sig_atomic_t hits;

static void handler(int sig)
{
	(void)sig;
	hits++;
}

static long long ns(const struct timespec *t)
{
	return t->tv_sec * 1000000000ll + t->tv_nsec;
}

int main(void)
{
	/* The ticks go on, so that one which comes before the call has begun does no harm. */
	struct itimerval tick = {{0, 8000}, {0, 8000}}, off = {{0, 0}, {0, 0}};
	struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART};
	struct timespec ts = {10, 0}, left, before, after;
	struct sockaddr_in addr;
	struct epoll_event ev;
	struct pollfd pfd = {.events = POLLIN};
	int l = listener(1, &addr), ep = epoll_create1(0), u = bound_socket(SOCK_DGRAM, &addr);
	fd_set set;
	char c;

	pfd.fd = l;
	CHECK_EQ(sigaction(SIGALRM, &sa, NULL), 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &tick, NULL), 0);
	/* These never restart. */
	CHECK_ERR(epoll_wait(ep, &ev, 1, 5000), EINTR);
	CHECK_ERR(poll(&pfd, 1, 5000), EINTR);
	CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &before), 0);
	CHECK_ERR(nanosleep(&ts, &left), EINTR);
	CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &after), 0);
	CHECK(ns(&left) > 0 && ns(&left) <= ns(&ts));
	CHECK(ns(&left) >= ns(&ts) - (ns(&after) - ns(&before)));
	FD_ZERO(&set);
	FD_SET(l, &set);
	CHECK_ERR(select(l + 1, &set, NULL, NULL, NULL), EINTR);
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL), EINTR);
	CHECK_ERR(pause(), EINTR);
	/* These would restart, so now without SA_RESTART. */
	sa.sa_flags = 0;
	CHECK_EQ(sigaction(SIGALRM, &sa, NULL), 0);
	CHECK_ERR(accept(l, NULL, NULL), EINTR);
	CHECK_ERR(recv(u, &c, 1, 0), EINTR);
	CHECK_EQ(setitimer(ITIMER_REAL, &off, NULL), 0);
	CHECK(hits >= 8);
	return done();
}
