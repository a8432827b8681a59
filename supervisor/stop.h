/* SPDX-License-Identifier: MIT */
/* The ends of a session that aren't the program's own. All return an exit status of tandem. */
#ifndef TANDEM_SUPERVISOR_STOP_H
#define TANDEM_SUPERVISOR_STOP_H

#include "run.h"

/* Every variant here parks at its next call. */
void stop_halt(struct running *r);

/* Ends all variants here without a word; returns `status`. */
int stop_quietly(struct running *r, int status);

/* Says why, ends all variants on all hosts; returns `status`. */
int stop_saying(struct running *r, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Variant v's struct divergence says why: freeze, report, end, say so. */
int stop_report(struct running *r, unsigned v);

/*
 * The supervisor itself has found a reason: it is written down in variant v's name, unless the
 * variant has spoken in this moment, and reported.
 */
int stop_found(struct running *r, unsigned v, uint32_t stream, uint32_t kind, const char *format,
	       ...) __attribute__((format(printf, 5, 6)));

/* The first words of the message for an enum divergence_kind. */
const char *stop_kind_name(uint32_t kind);
/* "arguments", "crash" ...: the word for reports. */
const char *stop_kind_word(uint32_t kind);
int stop_kind_status(uint32_t kind);

#endif
