/* SPDX-License-Identifier: MIT */
#include "hooks.h"

void hook_none(struct call *c)
{
	call_generic(c);
}

call_hook_fn *const call_hooks[HOOK_COUNT] = {
#define HOOK_ENTRY(name) [HOOK_##name] = hook_##name,
	CALL_HOOKS(HOOK_ENTRY)
#undef HOOK_ENTRY
};
