/* SPDX-License-Identifier: MIT */
#include "libcrypto.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

/* As in <openssl/evp.h>, which needn't be there. */
enum { GET_TAG = 0x10, SET_TAG = 0x11 };

static struct {
	bool usable;
	void *(*EVP_CIPHER_CTX_new)(void);
	void (*EVP_CIPHER_CTX_free)(void *context);
	const void *(*EVP_aes_256_gcm)(void);
	const void *(*EVP_chacha20_poly1305)(void);
	int (*EVP_CipherInit_ex)(void *context, const void *cipher, void *engine,
				 const uint8_t *key, const uint8_t *nonce, int encrypt);
	int (*EVP_CipherUpdate)(void *context, uint8_t *out, int *size, const uint8_t *in, int n);
	int (*EVP_CipherFinal_ex)(void *context, uint8_t *out, int *size);
	int (*EVP_CIPHER_CTX_ctrl)(void *context, int what, int n, void *p);
} library;

#define FIND(name) ((*(void **)&library.name = dlsym(handle, #name)) != NULL)

static void load(void)
{
	void *handle = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);

	library.usable = handle && FIND(EVP_CIPHER_CTX_new) && FIND(EVP_CIPHER_CTX_free) &&
			 FIND(EVP_aes_256_gcm) && FIND(EVP_chacha20_poly1305) &&
			 FIND(EVP_CipherInit_ex) && FIND(EVP_CipherUpdate) &&
			 FIND(EVP_CipherFinal_ex) && FIND(EVP_CIPHER_CTX_ctrl);
}

struct libcrypto *libcrypto_begin(enum libcrypto_cipher cipher, const uint8_t key[KEY_BYTES],
				  bool encrypt)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	void *context;

	pthread_once(&once, load);
	context = library.usable ? library.EVP_CIPHER_CTX_new() : NULL;
	if (context &&
	    library.EVP_CipherInit_ex(context,
				      cipher == LIBCRYPTO_AES256 ? library.EVP_aes_256_gcm()
								 : library.EVP_chacha20_poly1305(),
				      NULL, key, NULL, encrypt) == 1)
		return context;
	libcrypto_end(context);
	return NULL;
}

void libcrypto_end(struct libcrypto *c)
{
	if (c)
		library.EVP_CIPHER_CTX_free(c);
}

bool libcrypto_start(struct libcrypto *c, const uint8_t nonce[LIBCRYPTO_NONCE], const uint8_t *more,
		     size_t more_size)
{
	int n;

	/* -1: the direction stays as it is. */
	return library.EVP_CipherInit_ex(c, NULL, NULL, NULL, nonce, -1) == 1 &&
	       library.EVP_CipherUpdate(c, NULL, &n, more, (int)more_size) == 1;
}

bool libcrypto_pass(struct libcrypto *c, uint8_t *to, const uint8_t *from, size_t size)
{
	int n;

	return library.EVP_CipherUpdate(c, to, &n, from, (int)size) == 1 && n == (int)size;
}

/* Both ciphers leave nothing for the end. */
static bool finish(struct libcrypto *c)
{
	uint8_t nothing[16];
	int n;

	return library.EVP_CipherFinal_ex(c, nothing, &n) == 1;
}

bool libcrypto_tag(struct libcrypto *c, uint8_t tag[LIBCRYPTO_TAG])
{
	return finish(c) && library.EVP_CIPHER_CTX_ctrl(c, GET_TAG, LIBCRYPTO_TAG, tag) == 1;
}

bool libcrypto_check(struct libcrypto *c, const uint8_t tag[LIBCRYPTO_TAG])
{
	uint8_t copy[LIBCRYPTO_TAG];

	memcpy(copy, tag, sizeof(copy));
	return library.EVP_CIPHER_CTX_ctrl(c, SET_TAG, LIBCRYPTO_TAG, copy) == 1 && finish(c);
}
