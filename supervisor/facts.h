/* SPDX-License-Identifier: MIT */
/* What hosts compare before a session starts, and what they tell each other about themselves. */
#ifndef TANDEM_SUPERVISOR_FACTS_H
#define TANDEM_SUPERVISOR_FACTS_H

#include "../transport/handshake.h"
#include "run.h"

/* Names of those that are only told. */
#define FACT_VARIANT "variant" /* id of the one that runs here */
#define FACT_RDMA "rdma"       /* "yes", or why it can't be used */

/* 0 or negative errno: `why` has one line. variant: id of the one that runs here. */
int facts_gather(const struct running *r, int variant, struct handshake_items *items, char *why,
		 size_t room);

#endif
