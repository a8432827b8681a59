/* SPDX-License-Identifier: MIT */
/* expect: signal 6 */
/* abort() kills, although a handler for SIGABRT returns. */
#include "check.h"

static void handler(int sig)
{
	(void)sig;
	CHECK_EQ(write(1, "handled\n", 8), 8);
}

int main(void)
{
	CHECK(signal(SIGABRT, handler) != SIG_ERR);
	abort();
}
