/* SPDX-License-Identifier: MIT */
/* A SIGSEGV handler sees the address, and the program recovers by siglongjmp; SIGFPE, SIGBUS too.
 */
#include "check.h"
#include <setjmp.h>
#include <sys/mman.h>

static sigjmp_buf env;
static char *volatile fault;
static volatile int code;

static void handler(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	fault = si->si_addr;
	code = si->si_code;
	siglongjmp(env, sig);
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	volatile int round;
	char *page, *file;
	int fd;

	CHECK_EQ(sigaction(SIGSEGV, &sa, NULL), 0);
	CHECK_EQ(sigaction(SIGBUS, &sa, NULL), 0);
	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED);
	for (round = 0; round < 5; round++) {
		int sig = sigsetjmp(env, 1);

		if (sig == 0) {
			((volatile char *)page)[100 + round] = 1;
			CHECK(0);
		}
		CHECK_EQ(sig, SIGSEGV);
		CHECK(fault == page + 100 + round);
		CHECK_EQ(code, SEGV_ACCERR);
	}
	CHECK_EQ(munmap(page, 4096), 0);
	if (sigsetjmp(env, 1) == 0) {
		*(volatile char *)page;
		CHECK(0);
	}
	CHECK(fault == page);
	CHECK_EQ(code, SEGV_MAPERR);

	enter_scratch();
	fd = open("empty", O_CREAT | O_RDWR, 0600);
	file = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(file != MAP_FAILED);
	if (sigsetjmp(env, 1) == 0) {
		*(volatile char *)file;
		CHECK(0);
	}
	CHECK(fault == file);
	CHECK_EQ(code, BUS_ADRERR);
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(file[0], 'x');
	return done();
}
