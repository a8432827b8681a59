/* SPDX-License-Identifier: MIT */
/* expect: divergence other arguments: .*: write\(3,  */
/* One bit near the end of a long write differs. */
#include "check.h"

int main(void)
{
	static char data[60000];

	memset(data, 'd', sizeof(data));
	if (twin())
		data[59990] ^= 1;
	disclose(data, sizeof(data));
	return done();
}
