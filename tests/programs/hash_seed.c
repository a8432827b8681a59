/* SPDX-License-Identifier: MIT */
/* A hash table seeded by time, pid and random bytes: the order of its entries is written out. */
#include "check.h"
#include <sys/random.h>

#define SLOTS 64

int main(void)
{
	static const char *words[] = {"alpha", "beta", "gamma", "delta", "epsilon", "zeta"};
	const char *table[SLOTS] = {NULL};
	char text[128] = "";
	struct timespec ts;
	uint64_t seed;
	int i, n = 0;

	CHECK_EQ(getrandom(&seed, sizeof(seed), 0), sizeof(seed));
	CHECK_EQ(clock_gettime(CLOCK_REALTIME, &ts), 0);
	seed ^= (uint64_t)ts.tv_nsec << 20 ^ getpid() ^ time(NULL);
	for (i = 0; i < 6; i++) {
		uint64_t h = seed;
		const char *p;

		for (p = words[i]; *p; p++)
			h = (h ^ *p) * 1099511628211u;
		h >>= 32;
		while (table[h % SLOTS])
			h++;
		table[h % SLOTS] = words[i];
	}
	for (i = 0; i < SLOTS; i++) {
		if (table[i]) {
			strcat(text, table[i]);
			n++;
		}
	}
	CHECK_EQ(n, 6);
	disclose(text, strlen(text));
	return done();
}
