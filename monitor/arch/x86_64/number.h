/* SPDX-License-Identifier: MIT */
/* Which column of the table of calls holds this ISA's numbers. */
#ifndef TANDEM_ARCH_X86_64_NUMBER_H
#define TANDEM_ARCH_X86_64_NUMBER_H

#define NATIVE(x86_64, aarch64) (x86_64)
#define NATIVE_FIELD number_x86_64

#endif
