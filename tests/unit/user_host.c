/* SPDX-License-Identifier: MIT */
/* user_read() and the like for programs that aren't the monitor: the kernel checks addresses. */
#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../../monitor/syscalls/pack.h"

static int copy(bool write, void *ours, const void *theirs, size_t bytes)
{
	for (size_t done = 0; done < bytes;) {
		struct iovec local = {(char *)ours + done, bytes - done};
		struct iovec remote = {(char *)theirs + done, bytes - done};
		ssize_t n = write ? process_vm_writev(getpid(), &local, 1, &remote, 1, 0)
				  : process_vm_readv(getpid(), &local, 1, &remote, 1, 0);

		if (n <= 0)
			return -EFAULT;
		done += (size_t)n;
	}
	return 0;
}

int user_read(void *dst, const void *src, size_t bytes)
{
	return copy(false, dst, src, bytes);
}

int user_write(void *dst, const void *src, size_t bytes)
{
	return copy(true, (void *)src, dst, bytes);
}

long user_strnlen(const char *s, size_t max)
{
	char c;

	for (size_t i = 0; i < max; i++) {
		if (user_read(&c, s + i, 1) < 0)
			return -EFAULT;
		if (c == 0)
			return (long)i;
	}
	return (long)max;
}
