/* SPDX-License-Identifier: MIT */
/* Starting the variants. */
#ifndef TANDEM_SUPERVISOR_LAUNCH_H
#define TANDEM_SUPERVISOR_LAUNCH_H

#include "run.h"

/*
 * Starts every variant's program; r->root is set. STATUS_GO_ON, or, with all ended again and the
 * reason said, STATUS_SETUP.
 */
int launch_all(struct running *r);

/* The file that execvp() would run, so that it can be looked at first. 0 or negative errno. */
int launch_find(const char *name, char *path, size_t size);

#endif
