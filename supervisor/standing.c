/* SPDX-License-Identifier: MIT */
#include "standing.h"

#include <stdlib.h>

#include "../monitor/syscalls/table.h"
#include "processes.h"
#include "run.h"

#define PROCESSES 100 /* in a report, at most */

static int by_number(const void *a, const void *b)
{
	const struct stream *x = *(struct stream *const *)a, *y = *(struct stream *const *)b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static cJSON *of_variant(const struct running *r, const struct stream *s, unsigned v)
{
	const struct process_watch *w = &s->of[v];
	uint32_t in_call = atomic_load(&s->pages.state[v]->in_call);
	const struct call_row *row = in_call ? call_row(in_call - 1) : NULL;
	cJSON *o = cJSON_CreateObject();

	cJSON_AddNumberToObject(o, "id", r->config->variants[v].id);
	if (w->life == LIFE_ALIVE)
		cJSON_AddNumberToObject(o, "pid", w->pid);
	cJSON_AddNumberToObject(o, "position",
				(double)(v == r->files.session->leader
						 ? atomic_load(&s->pages.producer->head)
						 : atomic_load(&s->pages.consumer[v]->tail)));
	if (row)
		cJSON_AddStringToObject(o, "in_call", row->name);
	return o;
}

cJSON *standing_list(const struct running *r)
{
	cJSON *list = cJSON_CreateArray();
	struct stream **stream = calloc(r->streams + 1, sizeof(*stream));

	for (size_t i = 0; stream && i < r->streams; i++)
		stream[i] = r->stream[i];
	if (stream)
		qsort(stream, r->streams, sizeof(*stream), by_number);
	for (size_t i = 0; stream && i < r->streams && i < PROCESSES; i++) {
		cJSON *o = cJSON_CreateObject(), *variants = cJSON_CreateArray();

		cJSON_AddNumberToObject(o, "stream", stream[i]->number);
		for (unsigned v = 0; v < r->files.session->variants; v++)
			cJSON_AddItemToArray(variants, of_variant(r, stream[i], v));
		cJSON_AddItemToObject(o, "variants", variants);
		cJSON_AddItemToArray(list, o);
	}
	free(stream);
	return list;
}
