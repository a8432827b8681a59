/* SPDX-License-Identifier: MIT */
/* `tandem explain`: a report, for a person to read. */
#ifndef TANDEM_SUPERVISOR_EXPLAIN_H
#define TANDEM_SUPERVISOR_EXPLAIN_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Prints a report (NULL: the newest one of directory) to `out`; json: as it is. Reports may be
 * damaged or malicious: nothing in one is trusted. Returns an exit status; what is wrong is said
 * on standard error.
 */
int explain(FILE *out, const char *directory, const char *file, bool json);

#endif
