/* SPDX-License-Identifier: MIT */
/* A pre-forking server: children accept from one shared listening socket. */
#include "net.h"

#define WORKERS 3
#define REQUESTS 12

int main(void)
{
	struct sockaddr_in addr;
	int l = listener(REQUESTS, &addr), i, c, total = 0;
	pid_t pid[WORKERS];
	char buf[8];

	for (i = 0; i < WORKERS; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (pid[i])
			continue;
		for (;;) {
			c = accept(l, NULL, NULL);
			CHECK(c >= 0);
			CHECK_EQ(read(c, buf, 4), 4);
			if (memcmp(buf, "quit", 4) == 0)
				_exit(0);
			buf[0]++;
			CHECK_EQ(write(c, buf, 4), 4);
			CHECK_EQ(close(c), 0);
		}
	}
	for (i = 0; i < REQUESTS; i++) {
		c = connect_to(&addr);
		CHECK_EQ(write(c, "askx", 4), 4);
		read_all(c, buf, 4);
		CHECK(memcmp(buf, "bskx", 4) == 0);
		CHECK_EQ(read(c, buf, 1), 0);
		CHECK_EQ(close(c), 0);
		total++;
	}
	for (i = 0; i < WORKERS; i++)
		CHECK_EQ(write(connect_to(&addr), "quit", 4), 4);
	for (i = 0; i < WORKERS; i++)
		CHECK_EXIT(pid[i], 0);
	printf("%d requests\n", total);
	return done();
}
