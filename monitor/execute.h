/* SPDX-License-Identifier: MIT */
/*
 * How the leader makes a call. Inline, since what was called before a system call returns slowly
 * behind it (gate.S of arch/).
 */
#ifndef TANDEM_MONITOR_EXECUTE_H
#define TANDEM_MONITOR_EXECUTE_H

#include <errno.h>

#include "call.h"
#include "exe.h"
#include "fd.h"

/* With its packed arguments: what was compared is what happens. */
static inline __attribute__((always_inline)) void call_execute(struct call *c)
{
	const uint64_t *a = c->pack.exec;
	long number;

	if (unlikely(c->bad_address)) {
		c->result = -EFAULT;
		return;
	}
	if (unlikely(fd_reserved((int)c->args[0]) && c->row->arg[0].type == ARG_FD)) {
		c->result = -EBADF;
		return;
	}
	/* The gate has an address of its own where exec starts programs through the starter. */
	if (unlikely(c->process->session->gate) && exe_execute(c))
		return;
	number = call_number(c->row);
	if (c->row->flags & CALL_BLOCKS)
		c->result = gate_pass(gate.wait, number, (long)a[0], (long)a[1], (long)a[2],
				      (long)a[3], (long)a[4], (long)a[5]);
	else
		c->result = sys(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

#endif
