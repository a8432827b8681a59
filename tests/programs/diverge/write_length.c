/* SPDX-License-Identifier: MIT */
/* expect: divergence write */
/* The same bytes, but one of them fewer. */
#include "check.h"

int main(void)
{
	int len = twin() ? 11 : 12;

	CHECK_EQ(write(1, "twelve bytes", len), len);
	return done();
}
