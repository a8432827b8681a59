/* SPDX-License-Identifier: MIT */
/*
 * The AEADs of OpenSSL's libcrypto, whose AES-256-GCM and ChaCha20-Poly1305 take four blocks and
 * more at once where the processor can, which libsodium's don't. They are the same ciphers, byte by
 * byte. The library is loaded when it is first asked for, and never needed: to load it takes
 * milliseconds, and most sessions don't seal.
 */
#ifndef TANDEM_TRANSPORT_LIBCRYPTO_H
#define TANDEM_TRANSPORT_LIBCRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "key.h"

#define LIBCRYPTO_NONCE 12
#define LIBCRYPTO_TAG 16

enum libcrypto_cipher { LIBCRYPTO_CHACHA20, LIBCRYPTO_AES256 };

/* One key, in one direction. Belongs to one thread at a time. */
struct libcrypto;

/* NULL: this machine has no such library, or no memory. */
struct libcrypto *libcrypto_begin(enum libcrypto_cipher cipher, const uint8_t key[KEY_BYTES],
				  bool encrypt);
void libcrypto_end(struct libcrypto *c);

/*
 * A text begins, its pieces follow, and at last its tag is made, or compared. `more` is
 * authenticated, too. False: not done, or not authentic; what there is of the text is garbage then.
 */
bool libcrypto_start(struct libcrypto *c, const uint8_t nonce[LIBCRYPTO_NONCE], const uint8_t *more,
		     size_t more_size);
/* Also in place. */
bool libcrypto_pass(struct libcrypto *c, uint8_t *to, const uint8_t *from, size_t size);
bool libcrypto_tag(struct libcrypto *c, uint8_t tag[LIBCRYPTO_TAG]);
bool libcrypto_check(struct libcrypto *c, const uint8_t tag[LIBCRYPTO_TAG]);

#endif
