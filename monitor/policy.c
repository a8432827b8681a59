/* SPDX-License-Identifier: MIT */
/*
 * Policies: which calls the leader makes in lockstep. A8's names and order;
 * what a policy exempts is checked late, not left unchecked.
 */
#include "call.h"
#include "fd.h"

/* One of the first calls of the program, which ignore_first_n exempts. */
static bool ignored(const struct process *p)
{
	const struct process_state *s = p->state;

	return p->stream == 0 && s->calls_world + s->calls_both < p->session->ignore_first;
}

bool policy_lockstep(const struct call *c)
{
	unsigned level = c->level;

	if (unlikely(c->process->session->ignore_first) && ignored(c->process))
		return level == LEVEL_ALWAYS;

	if (likely(level >= LEVEL_FD_RO)) {
		bool socket = fd_kind(c->process, (int)c->args[0]) == FD_SOCKET;

		if (level == LEVEL_FD_RO)
			level = socket ? LEVEL_SOCKET_RO : LEVEL_NONSOCKET_RO;
		else
			level = socket ? LEVEL_SOCKET_RW : LEVEL_NONSOCKET_RW;
	}
	return c->process->policy < level;
}
