/* SPDX-License-Identifier: MIT */
/* The calls that a row of the table can't express (table.h, CALL_HOOKS). */
#ifndef TANDEM_CALLS_HOOKS_H
#define TANDEM_CALLS_HOOKS_H

#include "../call.h"

#define HOOK_DECLARE(name) call_hook_fn hook_##name;
CALL_HOOKS(HOOK_DECLARE)
#undef HOOK_DECLARE

/*
 * A row for this call alone, whose argument types depend on argument values: the copy
 * must live as long as the call. Twins refine alike, since what they refine by is compared.
 */
static inline void call_refine(struct call *c, struct call_row *copy)
{
	*copy = *c->row;
	c->row = copy;
}

#endif
