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

static bool is_large(const struct seal *s, size_t plain)
{
	return s->large && plain >= SEAL_LARGE;
}

/* Begins a box: its size, which is authenticated, and its nonce. */
static void begin_box(struct seal *s, uint8_t *box, size_t plain, uint8_t n[NONCE])
{
	uint32_t size = htole32((uint32_t)(plain + SEAL_TAG));

	memcpy(box, &size, sizeof(size));
	nonce(n, s->count++);
}

static size_t close_small(struct seal *s, uint8_t *box, size_t plain)
{
	uint8_t n[NONCE], *text = box + SEAL_SIZE;

	begin_box(s, box, plain, n);
	if (s->cipher == SEAL_AES256)
		crypto_aead_aes256gcm_encrypt_afternm(text, NULL, text, plain, box, SEAL_SIZE, NULL,
						      n, (const void *)s->aes);
	else
		crypto_aead_chacha20poly1305_ietf_encrypt(text, NULL, text, plain, box, SEAL_SIZE,
							  NULL, n, s->key);
	return SEAL_SIZE + plain + SEAL_TAG;
}

size_t seal_gather(struct seal *s, uint8_t *box, const struct iovec *piece, unsigned n,
		   size_t plain)
{
	uint8_t count[NONCE], *to = box + SEAL_SIZE, *copied = to;
	bool large = is_large(s, plain), good = true;

	if (large) {
		begin_box(s, box, plain, count);
		good = libcrypto_start(s->large, count, box, SEAL_SIZE);
	}
	/* Small pieces are copied, and go together: a call costs more than their bytes. */
	for (unsigned i = 0; i < n && good; i++) {
		const uint8_t *from = piece[i].iov_base;
		size_t size = piece[i].iov_len;

		if (large && size >= SEAL_LARGE) {
			if (to > copied)
				good = libcrypto_pass(s->large, copied, copied,
						      (size_t)(to - copied));
			good = good && libcrypto_pass(s->large, to, from, size);
			copied = to + size;
		} else {
			memcpy(to, from, size);
		}
		to += size;
	}
	if (!large)
		return close_small(s, box, plain);
	if (good && to > copied)
		good = libcrypto_pass(s->large, copied, copied, (size_t)(to - copied));
	return good && libcrypto_tag(s->large, to) ? SEAL_SIZE + plain + SEAL_TAG : 0;
}

size_t seal_close(struct seal *s, uint8_t *box, size_t plain)
{
	const struct iovec all = {.iov_base = box + SEAL_SIZE, .iov_len = plain};

	return is_large(s, plain) ? seal_gather(s, box, &all, 1, plain)
				  : close_small(s, box, plain);
}

static int decrypt(const struct seal *s, uint8_t *box, uint32_t size)
{
	uint8_t n[NONCE], *text = box + SEAL_SIZE;

	nonce(n, s->count);
	if (is_large(s, size - SEAL_TAG))
		return !(libcrypto_start(s->large, n, box, SEAL_SIZE) &&
			 libcrypto_pass(s->large, text, text, size - SEAL_TAG) &&
			 libcrypto_check(s->large, text + size - SEAL_TAG));
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
