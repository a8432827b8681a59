/* SPDX-License-Identifier: MIT */
/* cc: -no-pie */
/* A program that is linked at a fixed address executes itself. */
#include "check.h"
#include <sys/auxv.h>

static char zeros[50000], full[] = "full";
static char *pointer = full;

int main(int argc, char **argv)
{
	char *args[] = {argv[0], "1", NULL};

	CHECK((unsigned long)&zeros < 1ul << 32);
	CHECK((unsigned long)getauxval(AT_PHDR) < 1ul << 32);
	CHECK((unsigned long)getauxval(AT_ENTRY) < 1ul << 32);
	for (size_t i = 0; i < sizeof(zeros); i++)
		CHECK_EQ(zeros[i], 0);
	CHECK(strcmp(pointer, "full") == 0);
	memset(zeros, 1, sizeof(zeros));
	CHECK(sbrk(1 << 20) != (void *)-1);
	*full = 'd';
	if (argc > 1)
		return done();
	execv("/proc/self/exe", args);
	return 99;
}
