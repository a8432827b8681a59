/* SPDX-License-Identifier: MIT */
/* `tandem run`: starts the variants of a session, supervises and ends them. */
#ifndef TANDEM_SUPERVISOR_RUN_H
#define TANDEM_SUPERVISOR_RUN_H

#include <stdbool.h>

#include "config.h"

/* Exit statuses that aren't the program's. */
#define STATUS_DIVERGENCE 110
#define STATUS_SETUP 111
#define STATUS_UNSUPPORTED 112
#define STATUS_KILLED 113

/* Returns the exit status of tandem. Forks: call while single-threaded. */
int run(const struct config *config, const char *library, char **argv, bool verbose);

#endif
