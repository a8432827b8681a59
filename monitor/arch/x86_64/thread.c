/* SPDX-License-Identifier: MIT */
/*
 * The register that leads to a thread's structure: %gs. libc leaves it alone, so the program's TLS
 * (%fs) has nothing to do with it.
 */
#include <sys/syscall.h>

#include "../../call.h"

#define SET_GS 0x1001
#define GET_GS 0x1004

int thread_register_set(struct thread *t)
{
	return (int)sys(SYS_arch_prctl, SET_GS, t);
}

void hook_arch(struct call *c)
{
	if ((int)c->args[0] == SET_GS)
		call_unsupported(c, "%gs belongs to the monitor");
	if ((int)c->args[0] == GET_GS) {
		uint64_t zero = 0;

		c->result = user_write((void *)c->args[1], &zero, sizeof(zero));
		return;
	}
	call_private(c);
}
