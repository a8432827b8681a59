/* SPDX-License-Identifier: MIT */
#include "seal.h"

#include <endian.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>

_Static_assert(SEAL_TAG == crypto_aead_chacha20poly1305_ietf_ABYTES, "tag");
_Static_assert(KEY_BYTES == crypto_aead_chacha20poly1305_ietf_KEYBYTES, "key");
_Static_assert(SEAL_TAG == crypto_aead_aes256gcm_ABYTES, "tag");
_Static_assert(KEY_BYTES == crypto_aead_aes256gcm_KEYBYTES, "key");
_Static_assert(crypto_aead_chacha20poly1305_ietf_NPUBBYTES == crypto_aead_aes256gcm_NPUBBYTES,
	       "nonce");
_Static_assert(sizeof(((struct seal *)0)->aes) >= sizeof(crypto_aead_aes256gcm_state), "room");

#define NONCE crypto_aead_chacha20poly1305_ietf_NPUBBYTES

static void nonce(uint8_t to[NONCE], uint64_t count)
{
	uint64_t le = htole64(count);

	memset(to, 0, NONCE);
	memcpy(to, &le, sizeof(le));
}

bool seal_has_aes(void)
{
	return crypto_aead_aes256gcm_is_available();
}

void seal_begin(struct seal *s, enum seal_cipher cipher, const uint8_t key[KEY_BYTES])
{
	memset(s, 0, sizeof(*s));
	s->cipher = cipher;
	memcpy(s->key, key, KEY_BYTES);
	if (cipher == SEAL_AES256)
		crypto_aead_aes256gcm_beforenm((void *)s->aes, key);
}

void seal_hasten(struct seal *s, bool closes)
{
	s->large = libcrypto_begin(s->cipher == SEAL_AES256 ? LIBCRYPTO_AES256 : LIBCRYPTO_CHACHA20,
				   s->key, closes);
}

void seal_end(struct seal *s)
{
	libcrypto_end(s->large);
	explicit_bzero(s, sizeof(*s));
}

size_t seal_close(struct seal *s, uint8_t *box, size_t plain)
{
	uint32_t size = htole32((uint32_t)(plain + SEAL_TAG));
	uint8_t n[NONCE], *text = box + SEAL_SIZE;

	memcpy(box, &size, sizeof(size));
	nonce(n, s->count++);
	if (s->large && plain >= SEAL_LARGE) {
		if (!libcrypto_encrypt(s->large, n, box, SEAL_SIZE, text, plain, text + plain))
			return 0;
	} else if (s->cipher == SEAL_AES256)
		crypto_aead_aes256gcm_encrypt_afternm(text, NULL, text, plain, box, SEAL_SIZE, NULL,
						      n, (const void *)s->aes);
	else
		crypto_aead_chacha20poly1305_ietf_encrypt(text, NULL, text, plain, box, SEAL_SIZE,
							  NULL, n, s->key);
	return SEAL_SIZE + plain + SEAL_TAG;
}

static int decrypt(const struct seal *s, uint8_t *box, uint32_t size)
{
	uint8_t n[NONCE], *text = box + SEAL_SIZE;

	nonce(n, s->count);
	if (s->large && size - SEAL_TAG >= SEAL_LARGE)
		return !libcrypto_decrypt(s->large, n, box, SEAL_SIZE, text, size - SEAL_TAG,
					  text + size - SEAL_TAG);
	if (s->cipher == SEAL_AES256)
		return crypto_aead_aes256gcm_decrypt_afternm(text, NULL, NULL, text, size, box,
							     SEAL_SIZE, n, (const void *)s->aes);
	return crypto_aead_chacha20poly1305_ietf_decrypt(text, NULL, NULL, text, size, box,
							 SEAL_SIZE, n, s->key);
}

long seal_open(struct seal *s, uint8_t *box, size_t bytes, size_t *plain)
{
	uint32_t size;

	if (bytes < SEAL_SIZE)
		return 0;
	memcpy(&size, box, sizeof(size));
	size = le32toh(size);
	if (size <= SEAL_TAG || size > SEAL_PLAIN + SEAL_TAG)
		return -EPROTO;
	if (bytes < SEAL_SIZE + size)
		return 0;
	if (decrypt(s, box, size))
		return -EBADMSG;
	s->count++;
	*plain = size - SEAL_TAG;
	return (long)(SEAL_SIZE + size);
}
