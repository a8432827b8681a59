/* SPDX-License-Identifier: MIT */
/*
 * What a program inherits from whoever starts it, and what a session draws by lot: the leader's
 * host says it, and the followers' hosts take it over, so that their variants start like the
 * leader.
 */
#ifndef TANDEM_SUPERVISOR_PARAMETERS_H
#define TANDEM_SUPERVISOR_PARAMETERS_H

#include <stddef.h>
#include <stdint.h>

#include "../monitor/session.h"

/* As sent: behind it the working directory and the environment, each with its NUL. */
struct parameters {
	uint8_t random[16];
	uint8_t hash_secret[192];
	uint32_t mask; /* umask */
	uint32_t user, group;
	uint32_t strings;     /* how many follow */
	uint64_t descriptors; /* soft limit of open files */
};

/* Those of this process and session; malloc'd. NULL: no memory. */
struct parameters *parameters_gather(const struct session *session, uint64_t descriptors,
				     size_t *bytes);

/*
 * Makes this process and its session alike. 0, or a negative errno with one line in `why`; -EPROTO:
 * these aren't parameters.
 */
int parameters_apply(const void *bytes, size_t size, struct session *session, uint64_t *descriptors,
		     char *why, size_t room);

#endif
