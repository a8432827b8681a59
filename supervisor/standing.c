/* SPDX-License-Identifier: MIT */
#include "standing.h"

#include <inttypes.h>
#include <stdlib.h>

#include "../monitor/syscalls/table.h"
#include "columns.h"
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

static double number(const cJSON *o, const char *key)
{
	const cJSON *n = cJSON_GetObjectItemCaseSensitive(o, key);

	return cJSON_IsNumber(n) ? n->valuedouble : 0;
}

/* Returns its position. */
static double side(const cJSON *process, double id, char *to, size_t size)
{
	const cJSON *v;

	*to = 0;
	cJSON_ArrayForEach(v, cJSON_GetObjectItemCaseSensitive(process, "variants"))
	{
		const char *call =
			cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(v, "in_call"));

		if (number(v, "id") != id)
			continue;
		if (number(v, "pid") > 0)
			snprintf(to, size, "pid %.0f at %.0f, in %s", number(v, "pid"),
				 number(v, "position"), call ?: "its program");
		else
			snprintf(to, size, "ended at %.0f", number(v, "position"));
		return number(v, "position");
	}
	return 0;
}

void standing_print(FILE *out, const cJSON *list, double left, double right)
{
	const cJSON *process;

	if (cJSON_GetArraySize(list) < 2)
		return;
	fputs("\nAll processes, and how far in their streams:\n", out);
	cJSON_ArrayForEach(process, list)
	{
		char a[256], b[256] = "", name[32];
		double p = side(process, left, a, sizeof(a)), q = p;

		if (left != right)
			q = side(process, right, b, sizeof(b));
		snprintf(name, sizeof(name), "  %.0f", number(process, "stream"));
		columns_two(out, name, a, b, p != q);
	}
}
