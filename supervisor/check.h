/* SPDX-License-Identifier: MIT */
/*
 * check.h - `tandem check`: what the machine offers, and whether a configuration can run on it.
 * Probes fork; call from a single-threaded process.
 */
#ifndef TANDEM_SUPERVISOR_CHECK_H
#define TANDEM_SUPERVISOR_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "config.h"

/* A line about a configuration: a problem keeps it from running, anything else is advice. */
typedef void check_report(void *arg, bool problem, const char *line);

/*
 * Judges what config_load() can't know from the file alone: trap back ends, CPUs, libraries and
 * programs, remote variants, the report directory. Each finding is one line, "file:line: ...".
 * Returns the number of problems.
 */
size_t check_config(const struct config *config, check_report *report, void *arg);

/*
 * Prints every feature, and the verdict on `config` unless it is NULL, for people or as one JSON
 * object. Returns the exit status: 0, or 111 when the configuration (without one: anything
 * at all) cannot run here.
 */
int check_machine(FILE *out, const struct config *config, bool json);

#endif
