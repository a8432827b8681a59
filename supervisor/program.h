/* SPDX-License-Identifier: MIT */
/* program.h - asks about programs and libraries without running what a variant would run. */
#ifndef TANDEM_SUPERVISOR_PROGRAM_H
#define TANDEM_SUPERVISOR_PROGRAM_H

#include <stddef.h>

/*
 * Runs argv (argv[0] is searched in PATH) and keeps the beginning of what it writes to
 * descriptor `from` (1 or 2) in `out`, as a string; the other one is discarded. Returns its exit
 * status, -EINTR when it died of a signal, or the negative errno why it could not be started.
 */
int program_capture(char *const argv[], char *const env[], int from, char *out, size_t size);

/*
 * Whether the dynamic linker finds a library by that name. `library_path` is the LD_LIBRARY_PATH
 * to search with, or NULL. 0; -ENOENT with the linker's own words in `why`; another negative
 * errno when it could not be asked.
 */
int program_find_library(const char *name, const char *library_path, char *why, size_t size);

/*
 * Whether a program can be started with a preloaded library. 0, or -ENOEXEC with a reason in
 * `why`: another architecture, statically linked, set-user-ID. Of a script its interpreter counts.
 * What is neither is let through. Another negative errno: it can't be read.
 */
int program_check(const char *path, char *why, size_t size);

#endif
