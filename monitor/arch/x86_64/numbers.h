/* SPDX-License-Identifier: MIT */
/* Constants that assembly and C share. */
#ifndef TANDEM_ARCH_X86_64_NUMBERS_H
#define TANDEM_ARCH_X86_64_NUMBERS_H

/* Calls below this number are looked up by the entry itself (monitor_private). */
#define PRIVATE_NUMBERS 512
/* From a stub's tail to the address of its site. */
#define STUB_INFO (-29)

#endif
