/* SPDX-License-Identifier: MIT */
/* The report directory: its files are named by time and pid, the newest is the last by name. */
#ifndef TANDEM_SUPERVISOR_REPORTS_H
#define TANDEM_SUPERVISOR_REPORTS_H

#include <stdbool.h>
#include <stddef.h>

#define REPORT_PATH 4200
#define REPORTS_KEPT 20

/* Where reports go when the configuration doesn't say. */
void reports_default(char *to, size_t size);
bool reports_is_default(const char *directory);

/*
 * Stores `text` under a new name, which `path` gets (REPORT_PATH bytes), and removes all but the
 * newest REPORTS_KEPT. The directory is made if it is missing, for its user only; the file appears
 * complete or not at all. Negative errno.
 */
int reports_store(const char *directory, const char *text, char *path);

/* The newest report there. -ENOENT: there is none; another negative errno: it can't be read. */
int reports_newest(const char *directory, char *path);

#endif
