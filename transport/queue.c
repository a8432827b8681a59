/* SPDX-License-Identifier: MIT */
/* Parcels between the engine's thread and the supervisor's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "link.h"

void parcels_begin(struct parcels *p)
{
	p->first = NULL;
	p->last = &p->first;
	p->count = 0;
	p->bytes = 0;
}

void parcels_put(struct parcels *p, struct parcel *parcel)
{
	parcel->next = NULL;
	*p->last = parcel;
	p->last = &parcel->next;
	p->count++;
	p->bytes += parcel_bytes(parcel);
}

struct parcel *parcels_take(struct parcels *p)
{
	struct parcel *parcel = p->first;

	if (!parcel)
		return NULL;
	p->first = parcel->next;
	if (!p->first)
		p->last = &p->first;
	p->count--;
	p->bytes -= parcel_bytes(parcel);
	return parcel;
}

void parcels_free(struct parcels *p)
{
	struct parcel *parcel;

	while ((parcel = parcels_take(p)))
		parcel_free(parcel);
}

struct parcel *parcel_new(const void *data, uint32_t bytes)
{
	struct parcel *p = calloc(1, sizeof(*p));

	if (!p || !bytes)
		return p;
	p->event.data = malloc(bytes);
	if (!p->event.data) {
		free(p);
		return NULL;
	}
	memcpy(p->event.data, data, bytes);
	p->event.bytes = bytes;
	return p;
}

void parcel_free(struct parcel *p)
{
	free(p->event.data);
	free(p);
}

void event_post(struct engine *e, enum engine_event_kind kind, unsigned name, const void *data,
		uint32_t bytes, const char *why)
{
	struct parcel *p = parcel_new(data, bytes);
	uint64_t one = 1;

	if (!p) {
		e->failed = -ENOMEM;
		return;
	}
	p->event.kind = kind;
	p->event.name = name;
	snprintf(p->event.why, sizeof(p->event.why), "%s", why);
	pthread_mutex_lock(&e->lock);
	parcels_put(&e->events, p);
	/* Under the lock: else it's readable once more when the event is taken already. */
	if (write(e->event_fd, &one, sizeof(one)) != sizeof(one))
		e->failed = -errno;
	pthread_mutex_unlock(&e->lock);
}
