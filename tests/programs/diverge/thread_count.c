/* SPDX-License-Identifier: MIT */
/* expect: divergence another call: .*: the leader .* where this variant makes a call: rt_sig */
/* The follower starts one thread more. */
#include "check.h"
#include <pthread.h>

static void *work(void *arg)
{
	return arg;
}

int main(void)
{
	int i, n = twin() ? 3 : 2;
	pthread_t t[3];

	for (i = 0; i < n; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, work, NULL), 0);
	for (i = 0; i < n; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
	return done();
}
