/* SPDX-License-Identifier: MIT */
/* OpenSSL's random numbers, of a library that is loaded later; drawn by several threads. */
#include "check.h"
#include <dlfcn.h>
#include <pthread.h>

static int (*draw)(unsigned char *, int);
static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;

static void *work(void *unused)
{
	unsigned char bytes[32];

	for (int i = 0; i < 20; i++) {
		CHECK_EQ(draw(bytes, sizeof(bytes)), 1);
		pthread_mutex_lock(&one);
		disclose(bytes, sizeof(bytes));
		pthread_mutex_unlock(&one);
	}
	return unused;
}

int main(void)
{
	void *library = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
	pthread_t thread[3];

	CHECK(library);
	draw = (int (*)(unsigned char *, int))dlsym(library, "RAND_bytes");
	CHECK(draw);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, work, NULL), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	return done();
}
