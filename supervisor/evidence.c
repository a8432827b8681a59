/* SPDX-License-Identifier: MIT */
#include "evidence.h"

#include <stdlib.h>
#include <string.h>

#include "../monitor/syscalls/table.h"
#include "hosts.h"
#include "tree.h"

static void collect(struct running *r, struct evidence *e, unsigned v)
{
	const struct divergence *d = &e->divergence;
	struct evidence_variant *x = &e->variant[v];
	int pid;

	if (session_copy_state(&r->files, v, d->stream, &x->state))
		memset(&x->state, 0, sizeof(x->state));
	/* A hijacked variant could name any process. */
	pid = tree_below(x->state.pid) ? x->state.pid : 0;
	for (unsigned i = 0; i < TRACE_ENTRIES; i++)
		x->origin[i] = frozen_origin(pid, x->state.trace[i].site);
	/* Who was in a call or crashed has said where; else the thread is looked for. */
	if (v == e->reporter && d->stack &&
	    (d->own_call < CALL_COUNT || d->kind == DIVERGENCE_CRASH))
		frozen_take(&x->frozen, pid, d->tid, d->site, d->stack, d->frame);
	else
		frozen_look(&x->frozen, pid, d->thread);
}

struct evidence *evidence_collect(struct running *r, unsigned v)
{
	struct evidence *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->reporter = v;
	e->leader = r->files.session->leader;
	memcpy(&e->divergence, &r->files.variant[v]->divergence, sizeof(e->divergence));
	e->divergence.text[sizeof(e->divergence.text) - 1] = 0;
	for (unsigned i = 0; i < r->files.session->variants; i++) {
		if (hosts_here(r, i))
			collect(r, e, i);
	}
	return e;
}

void evidence_free(struct evidence *e)
{
	for (unsigned i = 0; i < SESSION_VARIANTS; i++)
		frozen_free(&e->variant[i].frozen);
	free(e);
}
