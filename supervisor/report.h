/* SPDX-License-Identifier: MIT */
/*
 * The report of how a session ended: one JSON object in a file of the report directory, which
 * `tandem explain` reads.
 *
 *   version 1, time, kind (call, arguments, result, crash, exit, hang, injected, unsupported,
 * garbage, internal), title, text, status (tandem's), reported_by (id), stream, parent_stream,
 * thread, position, native_number and signal where there is one session    program, configuration,
 * policy, compare, trap, pid, age_seconds difference argument (from 0; 6: behind the last one),
 * offset in it: where packed arguments differ variants   id, role, pid, program_pid, phase,
 * in_call, exec, cpus, env, preload, tid; call       name, text, arguments, packed (hex, up to 4
 * KB), packed_bytes, hashed, result backtrace  places, innermost first (or backtrace_missing: why
 * not) trace      the last calls: position, thread, name, text, arguments, result, site, caller
 *
 * A place is address, module, symbol, offset, file, line, as far as they are known. Addresses are
 * strings, since JSON's numbers are doubles.
 */
#ifndef TANDEM_SUPERVISOR_REPORT_H
#define TANDEM_SUPERVISOR_REPORT_H

#include <stddef.h>

#include "evidence.h"

/*
 * Writes the report of variant v's struct divergence; all variants are frozen. path (REPORT_PATH
 * bytes) gets its name. Symbols are looked up in a child process: without them, if that one dies of
 * what the variants have mapped. site (REPORT_SITE bytes) gets where variant v is. Negative errno.
 */
#define REPORT_SITE 512
int report_write(struct running *r, unsigned v, char *path, char *site);

/*
 * Variant v's part of a report, for the leader's host, which puts it into its own. malloc'd; NULL:
 * it couldn't be made.
 */
char *report_side(struct running *r, const struct evidence *e, unsigned v);

/* The argument (from 0) in which the same call of both differs, and where in it. */
bool report_difference(const struct divergence *d, int *arg, size_t *offset);

/* Copies a variant's text for a message or report: what isn't printable is escaped. */
void report_text(char *to, const char *from, size_t size);

#endif
