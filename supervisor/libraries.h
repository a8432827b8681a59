/* SPDX-License-Identifier: MIT */
/*
 * Libraries that only some variants have. A preloaded allocator brings others along (libm,
 * libstdc++): a variant that has them already doesn't open them when the program loads a plugin
 * that needs them, and the others do: a divergence that means nothing. So whatever one variant
 * starts with, all start with, but for what `preload` names itself.
 *
 * A library's code runs in whoever starts with it. So what another host names is taken only from
 * where nobody but root can have put it: else a hijacked host could have others start what it had
 * a program store there.
 */
#ifndef TANDEM_SUPERVISOR_LIBRARIES_H
#define TANDEM_SUPERVISOR_LIBRARIES_H

#include "../monitor/session.h"
#include "config.h"

/* Whether variants may start with different libraries, by configuration; else nothing is done. */
bool libraries_differ(const struct config *config);

/*
 * What a variant starts with, as the dynamic linker lists it without running the program: lines
 * of "NAME => PATH (0x...)". NULL: *error says why it couldn't be asked. To be freed.
 */
char *libraries_list(const struct config_variant *variant, char *program, int *error);

/* May a library that another host names be loaded here? 0, or a negative errno with one line. */
int libraries_allowed(const char *path, char *why, size_t size);

/*
 * Adds to session->preload of each variant what others start with; lists: of all variants, in
 * pieces afterwards. 0, or a negative errno with one line in `why`.
 */
int libraries_equalise(struct session *session, const struct config *config,
		       char *const lists[SESSION_VARIANTS], char *why, size_t size);

#endif
