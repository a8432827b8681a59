/* SPDX-License-Identifier: MIT */
/*
 * The last calls of a process, for reports. Kept in the state file, so that they
 * outlive the process. Threads race for entries; an entry that two share in one
 * moment is a blemish in a report, not worth a lock on each call.
 */
#ifndef TANDEM_MONITOR_TRACE_H
#define TANDEM_MONITOR_TRACE_H

#include "call.h"

static inline void trace(struct thread *t, const struct call *c)
{
	struct process *p = t->process;
	struct trace_entry *e = &p->state->trace[p->state->trace_next++ % TRACE_ENTRIES];

	e->site = regs_ip(c->regs);
	e->caller = 0;
	user_read(&e->caller, (void *)regs_stack(c->regs), 8);
	for (int i = 0; i < 6; i++)
		e->args[i] = c->args[i];
	e->result = c->result;
	e->position = p->leader ? p->tx.head : p->rx.tail;
	e->call = call_canonical(c);
	e->thread = t->tag;
}

#endif
