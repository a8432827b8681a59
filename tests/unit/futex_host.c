/* SPDX-License-Identifier: MIT */

/* What the ring needs from the program that embeds it, for tests and benches. */

#include <errno.h>
#include <linux/futex.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "futex_host.h"
#include "transport/ring.h"

_Atomic unsigned long futex_waits, futex_wakes;
_Atomic bool futex_no_timeouts;
_Thread_local int bell_fd = -1;

long tnd_futex(const _Atomic uint32_t *word, int op, uint32_t value,
	       const struct timespec *relative_timeout)
{
	if (op == FUTEX_WAIT)
		futex_waits++;
	else
		futex_wakes++;
	if (futex_no_timeouts)
		relative_timeout = NULL;

	long rc = syscall(SYS_futex, word, op, value, relative_timeout, NULL, 0);

	return rc < 0 ? -errno : rc;
}

void tnd_bell(void)
{
	uint64_t one = 1;

	if (bell_fd >= 0 && write(bell_fd, &one, sizeof(one)) != sizeof(one))
		_exit(1);
}

int64_t tnd_monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}
