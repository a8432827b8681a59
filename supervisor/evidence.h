/* SPDX-License-Identifier: MIT */
/*
 * What is kept of frozen variants for a report: copies, taken with the supervisor's own rights, so
 * that a child process can make words of them.
 */
#ifndef TANDEM_SUPERVISOR_EVIDENCE_H
#define TANDEM_SUPERVISOR_EVIDENCE_H

#include "frozen.h"
#include "run.h"

#define EVIDENCE_FRAMES 32

struct evidence_variant {
	struct process_state state; /* of the stream in question; zeroes if it has none */
	uint64_t origin[TRACE_ENTRIES];
	struct frozen frozen; /* the thread in question */
};

struct evidence {
	unsigned reporter, leader;
	struct divergence divergence;
	struct evidence_variant variant[SESSION_VARIANTS];
};

/* Of variant v's struct divergence, and of the variants that run here. NULL: no memory. */
struct evidence *evidence_collect(struct running *r, unsigned v);
void evidence_free(struct evidence *e);

#endif
