/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: write\(1,  */
/* An address is printed: it differs by address space layout, without being told. */
#include "check.h"

int main(void)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%p %p\n", (void *)text, (void *)main);

	CHECK_EQ(write(1, text, n), n);
	return done();
}
