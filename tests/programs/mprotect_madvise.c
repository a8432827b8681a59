/* SPDX-License-Identifier: MIT */
/* mprotect, madvise(DONTNEED), mincore, mlock; code made at run time and executed. */
#include "check.h"
#include <setjmp.h>
#include <sys/mman.h>

static sigjmp_buf env;

static void handler(int sig)
{
	siglongjmp(env, sig);
}

int main(void)
{
#ifdef __x86_64__
	static const unsigned char code[] = {0x8d, 0x04, 0x3f, 0xc3}; /* lea (rdi,rdi), eax; ret */
#else
	static const unsigned char code[] = {0x00, 0x00, 0x00, 0x0b, 0xc0, 0x03, 0x5f, 0xd6};
#endif
	unsigned char vec = 0;
	unsigned char *m, *hole;
	int (*f)(int);

	CHECK(signal(SIGSEGV, handler) != SIG_ERR);
	m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(m != MAP_FAILED);
	memset(m, 1, 8192);
	CHECK_EQ(mincore(m, 4096, &vec), 0);
	CHECK_EQ(vec & 1, 1);
	CHECK_EQ(madvise(m, 4096, MADV_DONTNEED), 0);
	CHECK(m[0] == 0 && m[4096] == 1);
	CHECK_EQ(mprotect(m, 4096, PROT_READ), 0);
	if (sigsetjmp(env, 1) == 0) {
		*(volatile unsigned char *)m = 1;
		CHECK(0);
	}
	CHECK_EQ(mprotect(m + 4096, 4096, PROT_NONE), 0);
	if (sigsetjmp(env, 1) == 0) {
		*(volatile unsigned char *)(m + 4096);
		CHECK(0);
	}
	CHECK_ERR(mprotect(m + 1, 4096, PROT_READ), EINVAL);
	hole = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(hole != MAP_FAILED);
	CHECK_EQ(munmap(hole, 4096), 0);
	CHECK_ERR(mprotect(hole, 8192, PROT_READ | PROT_WRITE), ENOMEM);
	CHECK_ERR((intptr_t)mremap(hole, 4096, 8192, MREMAP_MAYMOVE), EFAULT);
	CHECK_ERR(munmap(hole + 1, 4096), EINVAL);
	CHECK_EQ(mprotect(m, 4096, PROT_READ | PROT_WRITE), 0);
	memcpy(m, code, sizeof(code));
	__builtin___clear_cache((char *)m, (char *)m + sizeof(code));
	CHECK_EQ(mprotect(m, 4096, PROT_READ | PROT_EXEC), 0);
	memcpy(&f, &m, sizeof(f));
	CHECK_EQ(f(21), 42);
	CHECK_EQ(munmap(m, 8192), 0);
	return done();
}
