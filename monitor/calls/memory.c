/* SPDX-License-Identifier: MIT */
/*
 * Memory. Anonymous memory is each variant's own and not logged. Files are
 * opened by the leader; a follower maps its own copy, and never shares it with
 * the world. Code that becomes executable is lockstep under every policy.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "../fd.h"
#include "../interpose/patch.h"
#include "../signals.h"
#include "hooks.h"

static void forget(uint64_t start, uint64_t bytes)
{
	uint64_t old = signals_block();

	patch_forget(start, bytes);
	signals_unblock(old);
}

/* The same mapping from a descriptor of this follower's own. */
static void map_own(struct call *c)
{
	struct process *p = c->process;
	bool shared = (c->args[3] & MAP_TYPE) != MAP_PRIVATE;
	bool writes = shared && (c->args[2] & PROT_WRITE);
	int fd = writes ? fd_shadow(p, (int)c->args[4]) : fd_real(p, (int)c->args[4]);
	struct fd_entry *e = fd_get(p, (int)c->args[4]);
	uint64_t flags = c->args[3];
	long own;

	if (fd < 0)
		diverge(c->thread, DIVERGENCE_RESULT, c, c->record,
			"this variant can't open the file that the leader maps");
	if (shared && !e->shadow && e->kind != FD_MEMFD)
		flags = (flags & ~(uint64_t)MAP_TYPE) | MAP_PRIVATE;
	own = sys(SYS_mmap, c->args[0], c->args[1], c->args[2], flags, fd, c->args[5]);
	if (call_failed(own))
		diverge(c->thread, DIVERGENCE_RESULT, c, c->record,
			"this variant can't map what the leader maps");
	c->result = own;
}

void hook_mmap(struct call *c)
{
	struct process *p = c->process;
	bool anonymous = c->args[3] & MAP_ANONYMOUS;
	bool code = c->args[2] & PROT_EXEC;

	if (anonymous && !code) {
		call_private(c);
	} else {
		if (!code)
			c->level = LEVEL_NONSOCKET_RO;
		if (anonymous)
			c->args[4] = (uint32_t)-1;
		call_enter(c);
		if (p->leader)
			call_execute(c);
		call_leave(c);
		if (!p->leader && !call_failed(c->result)) {
			if (anonymous)
				c->result = call_execute_own(c);
			else
				map_own(c);
		}
		call_finish(c);
	}
	if ((c->args[3] & MAP_FIXED) && !call_failed(c->result))
		forget(c->args[0], c->args[1]);
}

void hook_munmap(struct call *c)
{
	call_private(c);
	if (call_failed(c->result))
		return;
	forget(c->args[0], c->args[1]);
	if (c->call == CALL_mremap)
		forget((uint64_t)c->result, c->args[2]);
}

void hook_mprotect(struct call *c)
{
	if (!(c->args[2] & PROT_EXEC))
		call_private(c);
	else
		call_both(c);
	if ((c->args[2] & PROT_WRITE) && !call_failed(c->result))
		forget(c->args[0], c->args[1]);
}
