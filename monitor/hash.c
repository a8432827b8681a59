/* SPDX-License-Identifier: MIT */
/* compare = "hash": XXH3 with the session's secret, which no variant's peer can choose. */
#define XXH_INLINE_ALL
#define XXH_NO_STDLIB
#define XXH_VECTOR 0
#include <xxhash.h>

#include "call.h"

_Static_assert(sizeof(((struct session *)0)->hash_secret) >= XXH3_SECRET_SIZE_MIN, "long enough");

void call_hash(const struct session *s, const uint8_t *bytes, size_t size, uint64_t hash[2])
{
	XXH128_hash_t h =
		XXH3_128bits_withSecret(bytes, size, s->hash_secret, sizeof(s->hash_secret));

	hash[0] = h.low64;
	hash[1] = h.high64;
}
