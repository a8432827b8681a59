/* SPDX-License-Identifier: MIT */
/* Names of the bits and values that calls take (monitor/syscalls/table.h, enum flag_set). */
#ifndef TANDEM_SUPERVISOR_FLAGS_H
#define TANDEM_SUPERVISOR_FLAGS_H

#include <stddef.h>
#include <stdint.h>

/* "O_WRONLY|O_CREAT|0x40000000": what has no name is a number behind those that have. */
void flags_text(unsigned set, uint64_t value, char *to, size_t size);

#endif
