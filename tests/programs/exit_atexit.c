/* SPDX-License-Identifier: MIT */
/* expect: exit 7 */
/* atexit functions run in reverse order, one of them writes a file and calls _exit itself. */
#include "check.h"

static int order;

static void last(void)
{
	CHECK_EQ(order, 2);
	puts("last");
	fflush(stdout);
	_exit(7);
}

static void second(void)
{
	CHECK_EQ(order++, 1);
	write_file("second", "written at exit");
	puts("second");
}

static void first(void)
{
	CHECK_EQ(order++, 0);
	puts("first");
}

int main(void)
{
	enter_scratch();
	CHECK_EQ(atexit(last), 0);
	CHECK_EQ(atexit(second), 0);
	CHECK_EQ(atexit(first), 0);
	exit(1);
}
