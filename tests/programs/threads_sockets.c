/* SPDX-License-Identifier: MIT */
/* Threads that do I/O on socketpairs of their own at the same time; every byte is checked. */
#include "check.h"
#include <pthread.h>
#include <sys/socket.h>

#define PAIRS 4
#define ROUNDS 100

static int s[PAIRS][2];

static void *asker(void *arg)
{
	int id = (int)(intptr_t)arg, i, j;
	unsigned char buf[64];

	for (i = 0; i < ROUNDS; i++) {
		memset(buf, id * 10 + i, sizeof(buf));
		CHECK_EQ(send(s[id][0], buf, sizeof(buf), 0), sizeof(buf));
		CHECK_EQ(recv(s[id][0], buf, sizeof(buf), MSG_WAITALL), sizeof(buf));
		for (j = 0; j < 64; j++)
			CHECK_EQ(buf[j], (unsigned char)~(id * 10 + i));
	}
	CHECK_EQ(shutdown(s[id][0], SHUT_WR), 0);
	return NULL;
}

static void *answerer(void *arg)
{
	int id = (int)(intptr_t)arg;
	unsigned char buf[64];
	ssize_t n, j;

	while ((n = recv(s[id][1], buf, sizeof(buf), 0)) > 0) {
		for (j = 0; j < n; j++)
			buf[j] = ~buf[j];
		CHECK_EQ(send(s[id][1], buf, n, 0), n);
	}
	CHECK_EQ(n, 0);
	return NULL;
}

int main(void)
{
	pthread_t t[2 * PAIRS];
	int i;

	for (i = 0; i < PAIRS; i++) {
		CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s[i]), 0);
		CHECK_EQ(pthread_create(&t[i], NULL, asker, (void *)(intptr_t)i), 0);
		CHECK_EQ(pthread_create(&t[PAIRS + i], NULL, answerer, (void *)(intptr_t)i), 0);
	}
	for (i = 0; i < 2 * PAIRS; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
	return done();
}
