/* SPDX-License-Identifier: MIT */
/* The starter (monitor/starter/starter.h) as a file of the session. */
#ifndef TANDEM_SUPERVISOR_STARTER_H
#define TANDEM_SUPERVISOR_STARTER_H

#include <stdint.h>

/* A place for the gate page, of which random decides. */
uint64_t starter_gate(uint64_t random);
/* A descriptor of the starter with its gate page at that address; negative errno. */
int starter_create(uint64_t gate);

#endif
