/* SPDX-License-Identifier: MIT */
#ifndef TANDEM_SPIN_H
#define TANDEM_SPIN_H

/*
 * How long to spin before sleeping, learned from how long it has paid lately: a spin in vain
 * shrinks the budget by half, and a success makes it twice what was needed; now and then the full
 * length is tried, or a budget that's too small would stay so. In any unit that the caller counts
 * in. Belongs to one thread at a time.
 */

#include <stdbool.h>
#include <stdint.h>

#define SPIN_PROBE 16 /* spins, of which one has full length */

struct spin_budget {
	uint32_t now; /* between the next two */
	uint32_t least, most;
	uint32_t made; /* spins so far */
};

static inline bool spin_probes(const struct spin_budget *s)
{
	return s->made % SPIN_PROBE == 0;
}

/* A spin begins: its length. */
static inline uint32_t spin_begin(struct spin_budget *s)
{
	s->made++;
	return spin_probes(s) ? s->most : s->now;
}

/* It was over, after so long. */
static inline void spin_paid(struct spin_budget *s, uint32_t took)
{
	if (took > s->now / 2)
		s->now = took < s->most / 2 ? 2 * took : s->most;
}

static inline void spin_in_vain(struct spin_budget *s)
{
	if (!spin_probes(s))
		s->now -= (s->now - s->least) / 2;
}

#endif
