/* SPDX-License-Identifier: MIT */
/* Signals for input: O_ASYNC with SIGIO, and with a signal that says which descriptor. */
#include "check.h"
#include <poll.h>
#include <sys/socket.h>

static volatile sig_atomic_t ios, descriptor = -1;

static void io(int signal)
{
	(void)signal;
	ios++;
}

static void ready(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	if (info->si_band & POLLIN)
		descriptor = info->si_fd;
}

int main(void)
{
	struct sigaction action = {.sa_sigaction = ready, .sa_flags = SA_SIGINFO};
	int pair[2], owner[2];
	char c;

	CHECK(signal(SIGIO, io) != SIG_ERR);
	CHECK_EQ(sigaction(SIGRTMIN, &action, NULL), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	CHECK_EQ(fcntl(pair[0], F_SETOWN, getpid()), 0);
	CHECK_EQ(fcntl(pair[0], F_GETOWN), getpid());
	CHECK_EQ(fcntl(pair[0], F_SETFL, O_ASYNC | O_NONBLOCK), 0);
	CHECK_EQ(write(pair[1], "a", 1), 1);
	while (!ios)
		pause_ms(1);
	CHECK_EQ(read(pair[0], &c, 1), 1);
	CHECK_EQ(fcntl(pair[0], F_SETSIG, SIGRTMIN), 0);
	CHECK_EQ(fcntl(pair[0], F_GETSIG), SIGRTMIN);
	CHECK_EQ(write(pair[1], "b", 1), 1);
	while (descriptor < 0)
		pause_ms(1);
	CHECK_EQ(descriptor, pair[0]);
	CHECK_EQ(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
	CHECK_EQ(read(pair[0], owner, sizeof(owner)), 1);
	CHECK_ERR(read(pair[0], owner, sizeof(owner)), EAGAIN);
	return done();
}
