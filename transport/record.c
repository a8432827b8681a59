/* SPDX-License-Identifier: MIT */
#include "record.h"

#include <errno.h>

int record_check(const struct record *h, uint64_t limit)
{
	if (h->size < sizeof(*h) || h->size > limit || h->size % 8)
		return -EPROTO;
	if (h->kind == RECORD_PAD || h->kind >= RECORD_KINDS)
		return -EPROTO;
	if (h->args > h->size - sizeof(*h) ||
	    RECORD_PADDED((uint64_t)h->args) > h->size - sizeof(*h))
		return -EPROTO;
	if ((h->flags & RECORD_HASHED) && h->args != 16)
		return -EPROTO;
	return 0;
}
