/* SPDX-License-Identifier: MIT */
/* What is the processor's and needs nothing else of the monitor; transport/ uses it, too. */
#ifndef TANDEM_ARCH_X86_64_CPU_H
#define TANDEM_ARCH_X86_64_CPU_H

#include <stdint.h>

/* In a loop that waits for another processor. */
static inline void cpu_relax(void)
{
	__builtin_ia32_pause();
}

/* A clock that costs next to nothing; session.h says who converts it to time. */
static inline uint64_t cpu_cycles(void)
{
	return __builtin_ia32_rdtsc();
}

#endif
