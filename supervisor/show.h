/* SPDX-License-Identifier: MIT */
/* `tandem status`, the reader's side. */
#ifndef TANDEM_SUPERVISOR_SHOW_H
#define TANDEM_SUPERVISOR_SHOW_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Prints the runs of this user (root: all users') in this network namespace. Asks each one twice,
 * half a second apart (watch: once a second), since rates are differences. Returns an exit status.
 */
int show_status(FILE *out, bool watch, bool json);

#endif
