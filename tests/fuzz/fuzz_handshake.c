/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer: any bytes as a peer's side of a handshake. The first byte chooses the side, and
 * whether what comes is made right where it can be: the MAC of the hello, and the box around the
 * items, or nothing but the key would ever be tried.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "transport/handshake.h"
#include "transport/seal.h"

static struct handshake h, peer;

static void give(struct handshake *to, const uint8_t *data, size_t size)
{
	while (size && handshake_wants(to)) {
		size_t n = handshake_wants(to);

		n = n < size ? n : size;
		if (handshake_input(to, data, n) < 0)
			break;
		data += n;
		size -= n;
	}
	if (to->phase == HANDSHAKE_FAILED && !*to->why)
		abort();
}

/* A peer with the key says hello, then the bytes in a box that opens. */
static void sealed(const struct handshake_items *items, bool caller, const uint8_t *data,
		   size_t size)
{
	uint8_t box[4096 + 64];
	char line[700];
	struct seal s = {.cipher = SEAL_CHACHA20};
	const void *out;
	size_t n;

	if (handshake_begin(&peer, !caller, NULL, items))
		abort();
	for (int turn = 0; turn < 2; turn++) {
		out = handshake_output(&h, &n);
		n = n < sizeof(peer.hello[0]) - 16 ? n : 112;
		if (n && peer.phase == HANDSHAKE_HELLO)
			give(&peer, out, n);
		out = handshake_output(&peer, &n);
		n = n < 112 ? n : 112;
		if (n && h.phase == HANDSHAKE_HELLO)
			give(&h, out, n);
	}
	if (!size || size > 4096 || h.phase != HANDSHAKE_FACTS)
		return;
	crypto_generichash(s.key, sizeof(s.key), (const uint8_t *)"items", 5, h.keys.receive, 32);
	memcpy(box + SEAL_SIZE, data, size);
	give(&h, box, seal_close(&s, box, size));
	for (unsigned i = 0; h.phase == HANDSHAKE_DONE && i <= h.differs; i++)
		handshake_differ(&h, i, "us", "them", line, sizeof(line));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct handshake_items items = {0};

	if (!size || !handshake_add(&items, HANDSHAKE_SAME, "policy", "base") ||
	    !handshake_add(&items, HANDSHAKE_SAME_ISA, "program", "/bin/true"))
		return 0;
	if (handshake_begin(&h, data[0] & 1, NULL, &items))
		abort();
	if (data[0] & 2)
		sealed(&items, data[0] & 1, data + 1, size - 1);
	else
		give(&h, data + 1, size - 1);
	handshake_end(&h);
	return 0;
}
