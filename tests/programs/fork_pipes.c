/* SPDX-License-Identifier: MIT */
/* A pipeline of four processes; each adds one to every byte. */
#include "check.h"

#define STAGES 4

int main(void)
{
	int in[2], p[2], i, from;
	unsigned char buf[1000];
	pid_t pid[STAGES];
	ssize_t n, k, total = 0;
	long sum = 0;

	CHECK_EQ(pipe(in), 0);
	from = in[0];
	for (i = 0; i < STAGES; i++) {
		CHECK_EQ(pipe(p), 0);
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (pid[i] == 0) {
			CHECK_EQ(close(in[1]), 0);
			CHECK_EQ(close(p[0]), 0);
			while ((n = read(from, buf, sizeof(buf))) > 0) {
				for (k = 0; k < n; k++)
					buf[k]++;
				CHECK_EQ(write(p[1], buf, n), n);
			}
			_exit(n < 0);
		}
		CHECK_EQ(close(from), 0);
		CHECK_EQ(close(p[1]), 0);
		from = p[0];
	}
	memset(buf, 'a', sizeof(buf));
	for (i = 0; i < 20; i++)
		CHECK_EQ(write(in[1], buf, sizeof(buf)), sizeof(buf));
	CHECK_EQ(close(in[1]), 0);
	while ((n = read(from, buf, sizeof(buf))) > 0) {
		total += n;
		for (k = 0; k < n; k++)
			sum += buf[k];
	}
	for (i = 0; i < STAGES; i++)
		CHECK_EXIT(pid[i], 0);
	CHECK_EQ(total, 20000);
	CHECK_EQ(sum, 20000L * ('a' + STAGES));
	printf("%zd %ld\n", total, sum);
	return done();
}
