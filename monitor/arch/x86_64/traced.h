/* SPDX-License-Identifier: MIT */
/* Registers of a thread that ptrace has stopped, for reports. */
#ifndef TANDEM_ARCH_X86_64_TRACED_H
#define TANDEM_ARCH_X86_64_TRACED_H

#include <errno.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/user.h>

struct traced {
	uint64_t ip, sp, fp;
	uint64_t thread; /* its struct thread, if it has one */
};

static inline int traced_read(pid_t tid, struct traced *t)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, tid, 0, &r) < 0)
		return -errno;
	*t = (struct traced){.ip = r.rip, .sp = r.rsp, .fp = r.rbp, .thread = r.gs_base};
	return 0;
}

/* DWARF's numbers: rbp, rsp, and the return address for rip. */
#define DWARF_FP 6
#define DWARF_SP 7
#define DWARF_IP 16

#endif
