/* SPDX-License-Identifier: MIT */
/*
 * OpenSSL's random numbers. Its generator mixes the processor's time stamp counter and addresses
 * into what it gets from the kernel, so each variant would draw other keys, nonces and cookies.
 * It is given a method of drawing that asks the kernel each time, whose answers are the leader's.
 *
 * A copy that is part of the program or of its libraries is found at the start. One that is loaded
 * later (by Python's ssl, say) shows itself by pthread_once, with which OpenSSL begins everything.
 * Generators that OpenSSL's users make by themselves (EVP_RAND_CTX_new) are left as they are.
 */
#include "random.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/random.h>

#include "order.h"

/* OpenSSL's RAND_METHOD (<openssl/types.h>). Each but bytes says that it has worked. */
struct method {
	int (*seed)(const void *bytes, int n);
	int (*bytes)(unsigned char *bytes, int n);
	void (*cleanup)(void);
	int (*add)(const void *bytes, int n, double entropy);
	int (*pseudo)(unsigned char *bytes, int n);
	int (*status)(void);
};

static int seed(const void *bytes, int n)
{
	(void)bytes, (void)n;
	return 1;
}

static int add(const void *bytes, int n, double entropy)
{
	(void)entropy;
	return seed(bytes, n);
}

static int draw(unsigned char *bytes, int n)
{
	for (ssize_t got; n > 0; bytes += got, n -= (int)got) {
		got = getrandom(bytes, (size_t)n, 0);
		if (got < 0 && *__errno_location() == EINTR)
			got = 0;
		if (got < 0)
			return 0;
	}
	return 1;
}

static int status(void)
{
	return 1;
}

typedef int set_method_fn(const struct method *);

static void use(set_method_fn *set_method)
{
	static const struct method kernel = {
		.seed = seed, .bytes = draw, .add = add, .pseudo = draw, .status = status};

	if (set_method)
		set_method(&kernel);
}

void random_start(void)
{
	use(symbol_behind("RAND_set_rand_method"));
}

/* That of the library that this is code of, if it is OpenSSL's. */
static set_method_fn *method_setter(const void *code)
{
	set_method_fn *found;
	Dl_info info;
	void *library;

	if (!dladdr(code, &info) || !strstr(info.dli_fname, "/libcrypto.so"))
		return NULL;
	library = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
	if (!library)
		return NULL;
	found = dlsym(library, "RAND_set_rand_method");
	dlclose(library);
	return found;
}

void random_look(const void *caller)
{
	static const void *last;

	if (caller == last || !variant.running)
		return;
	last = caller;
	/* The search isn't an event of the program's. */
	use(WITHIN(WITHIN_PRIVATE, method_setter(caller)));
}
