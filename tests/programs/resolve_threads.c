/* SPDX-License-Identifier: MIT */
/* Names, users and services are looked up in threads: libc reads files behind locks of its own. */
#include "check.h"
#include <grp.h>
#include <netdb.h>
#include <pthread.h>
#include <pwd.h>
#include <sys/socket.h>

enum { THREADS = 6, ROUNDS = 12 };

static pthread_barrier_t together;

static void *work(void *arg)
{
	int who = (int)(intptr_t)arg;

	pthread_barrier_wait(&together);
	for (int i = 0; i < ROUNDS; i++) {
		struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
		struct passwd *user, entry;
		char buffer[4096];

		switch ((i + who) % 5) {
		case 0:
			CHECK_EQ(getaddrinfo("localhost", "80", &hints, &found), 0);
			freeaddrinfo(found);
			break;
		case 1:
			CHECK_EQ(getpwnam_r("root", &entry, buffer, sizeof(buffer), &user), 0);
			CHECK(user && user->pw_uid == 0);
			break;
		case 2:
			CHECK(getgrgid(0));
			break;
		case 3:
			CHECK(getpwuid(0));
			break;
		case 4:
			hints.ai_flags = AI_NUMERICHOST;
			CHECK_EQ(getaddrinfo("127.0.0.1", NULL, &hints, &found), 0);
			freeaddrinfo(found);
			break;
		}
	}
	return NULL;
}

int main(void)
{
	pthread_t thread[THREADS];

	CHECK_EQ(pthread_barrier_init(&together, NULL, THREADS), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, work, (void *)(intptr_t)i), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	return done();
}
