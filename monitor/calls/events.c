/* SPDX-License-Identifier: MIT */
/* epoll: the kernel and the records know registrations, the program its own data. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include "../epoll.h"
#include "../execute.h"
#include "../fd.h"
#include "hooks.h"

static struct epoll *instance(const struct call *c)
{
	struct fd_entry *e = fd_get(c->process, (int)c->args[0]);

	return e ? e->epoll : NULL;
}

/*
 * The kernel must have the registration's number before the call, and the table must not
 * change if the call fails; hence a failed ADD is taken back.
 */
void hook_epoll_ctl(struct call *c)
{
	struct epoll *e = instance(c);
	int op = (int)c->args[1], fd = (int)c->args[2];
	const struct fd_entry *target;
	struct epoll_event event = {0}, kernel;
	struct call_row row;
	bool with_event = op != EPOLL_CTL_DEL;
	long number = -1, before;

	call_refine(c, &row);
	row.arg[3] = (struct arg_desc){.type = ARG_FLAGS, .aux = FLAGS_EPOLL_EVENTS};
	if (with_event && user_read(&event, (void *)c->args[3], sizeof(event)) < 0)
		with_event = false;
	kernel = event;
	/* Compared: the events asked for. */
	c->args[3] = with_event ? event.events : 0;
	c->hold = true;
	call_enter(c);
	before = e ? epoll_find(e, fd) : -1;
	target = fd_get(c->process, fd);
	if (e && with_event)
		number = op == EPOLL_CTL_ADD
				 ? epoll_register(e, fd, event.data.u64, !target || target->shared)
				 : before;
	if (c->process->leader) {
		kernel.data.u64 = number >= 0 ? (uint64_t)number : event.data.u64;
		c->pack.exec[3] = with_event ? (uint64_t)&kernel : 0;
		call_execute(c);
	}
	call_leave(c);
	if (e && c->result == 0 && op != EPOLL_CTL_DEL && number >= 0)
		epoll_set(e, (uint32_t)number, event.data.u64);
	if (e && c->result == 0 && op == EPOLL_CTL_DEL)
		epoll_unregister(e, fd);
	if (e && c->result < 0 && op == EPOLL_CTL_ADD && number >= 0)
		epoll_register_undo(e, fd, before, number);
	call_finish(c);
}

void hook_epoll_wait(struct call *c)
{
	struct epoll *e = instance(c);
	struct epoll_event *events = (struct epoll_event *)c->args[1], event;
	struct call_row row;

	call_refine(c, &row);
	row.arg[1] = (struct arg_desc){
		.type = ARG_OUT_VECTOR, .aux = 2, .size = sizeof(struct epoll_event)};
	call_enter(c);
	if (c->process->leader)
		call_execute(c);
	call_leave(c);
	for (long i = 0; e && !c->restart && i < c->result; i++) {
		if (user_read(&event, &events[i], sizeof(event)) < 0)
			break;
		event.data.u64 = epoll_data(e, event.data.u64);
		user_write(&events[i], &event, sizeof(event));
	}
	call_finish(c);
}
