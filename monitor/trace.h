/* SPDX-License-Identifier: MIT */
/*
 * The last calls of a process, for reports. Kept in the state file, so that they
 * outlive the process. Threads race for entries; an entry that two share in one
 * moment is a blemish in a report, not worth a lock on each call.
 */
#ifndef TANDEM_MONITOR_TRACE_H
#define TANDEM_MONITOR_TRACE_H

#include "call.h"

/*
 * Alike in twins behind the same record. Calls that make none may stand behind reads of a clock,
 * which the leader hasn't said yet.
 */
static inline uint64_t trace_position(const struct thread *t)
{
	const struct process *p = t->process;

	if (p->leader)
		return p->tx.head;
	if (p->rx.tail != t->clocks_end)
		return p->rx.tail;
	return p->rx.tail - sizeof(struct record) - t->clocks * sizeof(*t->clock);
}

static inline void trace(struct thread *t, const struct call *c)
{
	struct process *p = t->process;
	struct trace_entry *e = &p->state->trace[p->state->trace_next++ % TRACE_ENTRIES];

	e->site = regs_ip(c->regs);
	e->caller = 0;
	user_read(&e->caller, (void *)regs_stack(c->regs), 8);
#pragma GCC unroll 6
	for (int i = 0; i < 6; i++)
		e->args[i] = c->args[i];
	e->result = c->result;
	e->position = trace_position(t);
	e->call = call_canonical(c);
	e->thread = t->tag;
}

#endif
