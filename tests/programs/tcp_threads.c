/* SPDX-License-Identifier: MIT */
/* A TCP server with one thread for each connection; clients are threads as well. */
#include "net.h"
#include <pthread.h>

#define CLIENTS 8

static struct sockaddr_in addr;

static void *serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char buf[64];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		CHECK_EQ(write(fd, buf, n), n);
	CHECK_EQ(close(fd), 0);
	return NULL;
}

static void *client(void *arg)
{
	int fd = connect_to(&addr), id = (int)(intptr_t)arg, i;
	char out[16], in[16];

	for (i = 0; i < 25; i++) {
		snprintf(out, sizeof(out), "%07d%08d", id, i);
		CHECK_EQ(write(fd, out, 16), 16);
		read_all(fd, in, 16);
		CHECK(memcmp(in, out, 16) == 0);
	}
	CHECK_EQ(close(fd), 0);
	return NULL;
}

int main(void)
{
	pthread_t server[CLIENTS], clients[CLIENTS];
	int l = listener(CLIENTS, &addr), i;

	for (i = 0; i < CLIENTS; i++)
		CHECK_EQ(pthread_create(&clients[i], NULL, client, (void *)(intptr_t)i), 0);
	for (i = 0; i < CLIENTS; i++) {
		int fd = accept(l, NULL, NULL);

		CHECK(fd >= 0);
		CHECK_EQ(pthread_create(&server[i], NULL, serve, (void *)(intptr_t)fd), 0);
	}
	for (i = 0; i < CLIENTS; i++) {
		CHECK_EQ(pthread_join(clients[i], NULL), 0);
		CHECK_EQ(pthread_join(server[i], NULL), 0);
	}
	return done();
}
