/* SPDX-License-Identifier: MIT */
/* The functions of this ISA's vDSO: each answers the call of its name, by a stub of that kind. */
#ifndef TANDEM_ARCH_X86_64_VDSO_FUNCTIONS_H
#define TANDEM_ARCH_X86_64_VDSO_FUNCTIONS_H

#define VDSO_PREFIX "__vdso_"
#define VDSO_FUNCTIONS(X)                                                                          \
	X(clock_gettime, STUB_VDSO)                                                                \
	X(gettimeofday, STUB_VDSO)                                                                 \
	X(time, STUB_VDSO)                                                                         \
	X(clock_getres, STUB_VDSO)                                                                 \
	X(getcpu, STUB_VDSO)                                                                       \
	X(getrandom, STUB_QUERY)

#endif
