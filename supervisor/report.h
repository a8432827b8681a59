/* SPDX-License-Identifier: MIT */
/* The report of a divergence: a text file in report_dir, which `tandem explain` prints. */
#ifndef TANDEM_SUPERVISOR_REPORT_H
#define TANDEM_SUPERVISOR_REPORT_H

#include <stddef.h>

#include "config.h"
#include "session.h"

/* Writes the report of variant v's word; path gets its name. Negative errno. */
int report_write(const struct session_files *f, const struct config *config, unsigned v,
		 const char *program, char *path, size_t size);
/* Prints a report (NULL: the newest in directory) on stdout; exit status. */
int report_explain(const char *directory, const char *file);

#endif
