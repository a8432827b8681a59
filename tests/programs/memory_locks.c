/* SPDX-License-Identifier: MIT */
/* Locked memory, policies of memory, barriers; protection keys if the processor has them. */
#include "check.h"
#include <linux/membarrier.h>
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static void locks(char *p)
{
	unsigned char there[4] = {0};

	CHECK_EQ(mlock(p, 4096), 0);
	CHECK_EQ(munlock(p, 4096), 0);
	CHECK_EQ(mlock2(p, 4096, MLOCK_ONFAULT), 0);
	CHECK_EQ(munlock(p, 4096), 0);
	CHECK_ERR(mlock2(p, 4096, 0x100), EINVAL);
	CHECK_EQ(munlockall(), 0);
	CHECK_ERR(mlockall(0), EINVAL);
	p[0] = 1;
	CHECK_EQ(mincore(p, 4096, there), 0);
	CHECK_EQ(there[0] & 1, 1);
}

static void policies(char *p)
{
	unsigned long nodes = 1, got[16] = {0};
	int mode = -1;

	if (syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 0) < 0) {
		CHECK_EQ(errno, ENOSYS);
		return;
	}
	CHECK_EQ(mode, MPOL_DEFAULT);
	CHECK_EQ(syscall(SYS_mbind, p, 4096, MPOL_BIND, &nodes, 2, 0), 0);
	CHECK_EQ(syscall(SYS_get_mempolicy, &mode, got, 8 * sizeof(got), p, MPOL_F_ADDR), 0);
	CHECK_EQ(mode, MPOL_BIND);
	CHECK_EQ(got[0], 1);
	CHECK_EQ(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0), 0);
}

static void keys(char *p)
{
	int key = pkey_alloc(0, 0);

	if (key < 0)
		return;
	CHECK_EQ(pkey_mprotect(p, 4096, PROT_READ | PROT_WRITE, key), 0);
	p[0] = 5;
	CHECK_EQ(pkey_mprotect(p, 4096, PROT_READ | PROT_WRITE, 0), 0);
	CHECK_EQ(pkey_free(key), 0);
	CHECK_ERR(pkey_free(key), EINVAL);
}

int main(void)
{
	char *p = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long known;

	CHECK(p != MAP_FAILED);
	locks(p);
	policies(p + 8192);
	keys(p + 4096);
	known = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
	CHECK(known >= 0);
	if (known & MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) {
		CHECK_EQ(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0),
			 0);
		CHECK_EQ(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0), 0);
	}
	CHECK_ERR(syscall(SYS_membarrier, 1 << 30, 0, 0), EINVAL);
	return done();
}
