/* SPDX-License-Identifier: MIT */
/* Several threads print whole lines to one FILE: no line is torn. */
#include "check.h"
#include <pthread.h>

#define THREADS 4
#define LINES 100

static FILE *out;

static void *work(void *arg)
{
	int i;

	for (i = 0; i < LINES; i++)
		CHECK(fprintf(out, "thread %d line %03d end\n", (int)(intptr_t)arg, i) > 0);
	return NULL;
}

int main(void)
{
	int i, id, line, next[THREADS] = {0};
	pthread_t t[THREADS];

	enter_scratch();
	out = fopen("out", "w+");
	CHECK(out);
	CHECK_EQ(setvbuf(out, NULL, _IOLBF, 512), 0);
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, work, (void *)(intptr_t)i), 0);
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
	rewind(out);
	for (i = 0; i < THREADS * LINES; i++) {
		CHECK_EQ(fscanf(out, "thread %d line %d end\n", &id, &line), 2);
		CHECK(id >= 0 && id < THREADS);
		CHECK_EQ(line, next[id]++);
	}
	CHECK_EQ(fclose(out), 0);
	return done();
}
