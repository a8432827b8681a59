/* SPDX-License-Identifier: MIT */
/* AT_RANDOM seeds a generator whose numbers are written out; the stack protector uses it too. */
#include "check.h"
#include <sys/auxv.h>

int main(void)
{
	const unsigned char *seed = (const unsigned char *)getauxval(AT_RANDOM);
	uint64_t state, out[8];
	int i;

	CHECK(seed != NULL);
	memcpy(&state, seed, sizeof(state));
	for (i = 0; i < 8; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		out[i] = state >> 11;
	}
	disclose(out, sizeof(out));
	disclose(seed, 16);
	CHECK_EQ(getauxval(AT_PAGESZ), sysconf(_SC_PAGESIZE));
	CHECK_EQ(getauxval(AT_UID), getuid());
	CHECK_EQ(getauxval(AT_SECURE), 0);
	return done();
}
