/* SPDX-License-Identifier: MIT */
/* A library to be loaded at run time: has a constructor, data, and calls of libc in it. */
#include <unistd.h>

int plain_counter = 40;

__attribute__((constructor)) static void loaded(void)
{
	plain_counter++;
}

int plain_add(int n)
{
	return plain_counter += n;
}

int plain_write(int fd, const char *text, int len)
{
	return write(fd, text, len);
}
