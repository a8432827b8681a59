/* SPDX-License-Identifier: MIT */
/*
 * Boxes: batches of frames, encrypted and authenticated: with AES-256-GCM where both hosts have it
 * in hardware, else with ChaCha20-Poly1305 (IETF). On the wire: the size of what follows (4 bytes,
 * authenticated too), the ciphertext, a tag. The nonce is the number of the box in its direction,
 * which isn't sent: a box that is replayed, left out or out of order doesn't open. Each direction
 * of each connection has a key of its own.
 *
 * The same ciphers are there twice: libsodium's, and libcrypto's for large boxes of who asks for
 * it.
 */
#ifndef TANDEM_TRANSPORT_SEAL_H
#define TANDEM_TRANSPORT_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "frame.h"
#include "key.h"
#include "libcrypto.h"

#define SEAL_SIZE 4u
#define SEAL_TAG 16u
#define SEAL_PLAIN (FRAME_PAYLOAD + 128u * FRAME_HEADER) /* most bytes in a box */
#define SEAL_LARGE 1024u /* plain bytes: from here on libcrypto's takes less time */
#define SEAL_BOX (SEAL_SIZE + SEAL_PLAIN + SEAL_TAG)

enum seal_cipher { SEAL_CHACHA20, SEAL_AES256 };

struct seal {
	enum seal_cipher cipher;
	uint8_t key[KEY_BYTES];
	uint64_t count;
	struct libcrypto *large;       /* NULL: libsodium's for all boxes */
	_Alignas(16) uint8_t aes[512]; /* the key, expanded */
};

bool seal_has_aes(void);
void seal_begin(struct seal *s, enum seal_cipher cipher, const uint8_t key[KEY_BYTES]);

/* For many large boxes, in one direction; if libcrypto is there. To be ended then. */
void seal_hasten(struct seal *s, bool closes);
void seal_end(struct seal *s);

/*
 * The plain bytes stand at box + SEAL_SIZE, 1..SEAL_PLAIN. Returns the size of the box; 0: it can't
 * be closed, nor can any other.
 */
size_t seal_close(struct seal *s, uint8_t *box, size_t plain);
/*
 * The same of `plain` bytes that stand elsewhere, in n pieces. What somebody changes meanwhile goes
 * out in one of its states, or makes a box that doesn't open.
 */
size_t seal_gather(struct seal *s, uint8_t *box, const struct iovec *piece, unsigned n,
		   size_t plain);

/*
 * Opens the box at `box`, of which `bytes` are there, in its place. Returns the size of the whole
 * box, with the plain bytes (*plain of them) at box + SEAL_SIZE; 0: more bytes are needed; -EPROTO:
 * an impossible size; -EBADMSG: not what the peer has sealed next.
 */
long seal_open(struct seal *s, uint8_t *box, size_t bytes, size_t *plain);

#endif
