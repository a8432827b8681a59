/* SPDX-License-Identifier: MIT */
#include "life.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "monitor.h"

/* "self/fd/N" */
static void name(char *to, int fd)
{
	static const char prefix[] = "self/fd/";
	char digits[12];
	int n = 0;

	memcpy(to, prefix, sizeof(prefix) - 1);
	to += sizeof(prefix) - 1;
	do {
		digits[n++] = (char)('0' + fd % 10);
		fd /= 10;
	} while (fd);
	while (n)
		*to++ = digits[--n];
	*to = 0;
}

void life_tie(void)
{
	int place = variant.base + SESSION_FD_LIFE;
	char path[32], byte;
	long fd;

	name(path, place);
	fd = sys(SYS_openat, variant.base + SESSION_FD_PROC, path,
		 O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	if (sys(SYS_fcntl, fd, F_SETOWN, sys(SYS_getpid)) == 0 &&
	    sys(SYS_fcntl, fd, F_SETSIG, SIGKILL) == 0 &&
	    sys(SYS_fcntl, fd, F_SETFL, O_NONBLOCK | O_ASYNC) == 0)
		sys(SYS_dup3, fd, place, 0);
	/* The last writer may have gone before: then it is the end of the file, and no signal. */
	if (sys(SYS_read, place, &byte, 1) == 0)
		sys(SYS_exit_group, 113);
	sys(SYS_close, fd);
}
