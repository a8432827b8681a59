/* SPDX-License-Identifier: MIT */
/* epoll_pwait2: nanoseconds, no time at all, no end, and a mask for the wait alone. */
#include "check.h"
#include <sys/epoll.h>
#include <sys/syscall.h>

static volatile sig_atomic_t hits;

static void hit(int signal)
{
	(void)signal;
	hits++;
}

static long wait2(int ep, struct epoll_event *e, const struct timespec *timeout,
		  const sigset_t *mask)
{
	return syscall(SYS_epoll_pwait2, ep, e, 4, timeout, mask, 8);
}

int main(void)
{
	struct sigaction action = {.sa_handler = hit};
	struct timespec none = {0}, soon = {0, 1000000}, wrong = {0, 2000000000};
	struct epoll_event e[4], add = {.events = EPOLLIN};
	sigset_t usr1, empty;
	int ep = epoll_create1(EPOLL_CLOEXEC), p[2];

	CHECK(ep >= 0);
	CHECK_EQ(pipe(p), 0);
	add.data.ptr = p;
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &add), 0);
	if (wait2(ep, e, &none, NULL) < 0 && errno == ENOSYS)
		SKIP("this kernel has no epoll_pwait2");
	CHECK_EQ(wait2(ep, e, &none, NULL), 0);
	CHECK_EQ(wait2(ep, e, &soon, NULL), 0);
	CHECK_ERR(wait2(ep, e, &wrong, NULL), EINVAL);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(wait2(ep, e, NULL, NULL), 1);
	CHECK(e[0].events == EPOLLIN && e[0].data.ptr == p);

	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	sigemptyset(&empty);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &usr1, NULL), 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(hits, 0);
	CHECK_EQ(read(p[0], e, 1), 1);
	CHECK_ERR(wait2(ep, e, NULL, &empty), EINTR);
	CHECK_EQ(hits, 1);
	return done();
}
