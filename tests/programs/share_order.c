/* SPDX-License-Identifier: MIT */
/* Memory that processes share, ordered by whatever they tell each other with. */
#include "check.h"

#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define ROUNDS 40

static volatile long *shared;
static pid_t child, parent;

/* Two processes take turns; each changes what the other has left. */
static void turns(void (*tell)(int to), void (*wait_for)(int me))
{
	shared[0] = 0;
	child = fork();
	CHECK(child >= 0);
	for (int i = 0; i < ROUNDS; i++) {
		int me = child ? 0 : 1;

		if (me == 1)
			wait_for(1);
		CHECK_EQ(shared[0], 2 * i + me);
		shared[0]++;
		tell(!me);
		if (me == 0)
			wait_for(0);
	}
	if (child == 0)
		_exit(0);
	CHECK_EXIT(child, 0);
	CHECK_EQ(shared[0], 2 * ROUNDS);
}

static int event[2], pair[2];

static void event_tell(int to)
{
	CHECK_EQ(eventfd_write(event[to], 1), 0);
}

static void event_wait(int me)
{
	eventfd_t value;

	CHECK_EQ(eventfd_read(event[me], &value), 0);
}

static void pair_tell(int to)
{
	CHECK_EQ(send(pair[!to], "x", 1, 0), 1);
}

static void pair_wait(int me)
{
	char c;

	CHECK_EQ(recv(pair[me], &c, 1, 0), 1);
}

static void signal_tell(int to)
{
	CHECK_EQ(to ? kill(child, SIGUSR1) : kill(parent, SIGUSR2), 0);
}

static void signal_wait(int me)
{
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, me ? SIGUSR1 : SIGUSR2);
	CHECK_EQ(sigwait(&set, &got), 0);
}

static void locked(void)
{
	pid_t pid[3];

	shared[0] = 0;
	write_file("lock", "");
	for (int k = 0; k < 3; k++) {
		pid[k] = fork();
		CHECK(pid[k] >= 0);
		if (pid[k] == 0) {
			int fd = open("lock", O_RDWR);

			for (int i = 0; i < ROUNDS; i++) {
				long seen;

				CHECK_EQ(flock(fd, LOCK_EX), 0);
				seen = shared[0];
				disclose(&seen, sizeof(seen));
				shared[0] = seen + 1;
				CHECK_EQ(flock(fd, LOCK_UN), 0);
			}
			_exit(0);
		}
	}
	for (int k = 0; k < 3; k++)
		CHECK_EXIT(pid[k], 0);
	CHECK_EQ(shared[0], 3 * ROUNDS);
}

int main(void)
{
	sigset_t set;

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	enter_scratch();
	event[0] = eventfd(0, 0);
	event[1] = eventfd(0, 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	parent = getpid();
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);

	turns(event_tell, event_wait);
	turns(pair_tell, pair_wait);
	turns(signal_tell, signal_wait);
	locked();
	return done();
}
