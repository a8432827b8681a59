/* SPDX-License-Identifier: MIT */
/* Code written at run time contains a system call instruction; it is changed and run again. */
#include "check.h"
#include <sys/mman.h>
#include <sys/syscall.h>

#ifdef __x86_64__
int main(void)
{
	/* mov imm32, eax; syscall; ret */
	unsigned char code[] = {0xb8, SYS_getpid, 0, 0, 0, 0x0f, 0x05, 0xc3};
	unsigned char *m;
	long (*f)(void);
	int i;

	m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(m != MAP_FAILED);
	for (i = 0; i < 4; i++) {
		CHECK_EQ(mprotect(m, 4096, PROT_READ | PROT_WRITE), 0);
		code[1] = i % 2 ? SYS_getppid : SYS_getpid;
		memcpy(m, code, sizeof(code));
		CHECK_EQ(mprotect(m, 4096, PROT_READ | PROT_EXEC), 0);
		memcpy(&f, &m, sizeof(f));
		CHECK_EQ(f(), i % 2 ? getppid() : getpid());
		CHECK_EQ(f(), i % 2 ? getppid() : getpid());
	}
	return done();
}
#else
int main(void)
{
	SKIP("for x86-64");
}
#endif
