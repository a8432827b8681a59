/* SPDX-License-Identifier: MIT */
/* A library whose calls of libc's functions must be the program's, however it is loaded. */
#include <stdlib.h>

int temporary_make(char *name)
{
	return mkstemp(name);
}
