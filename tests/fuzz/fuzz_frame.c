/* SPDX-License-Identifier: MIT */
/* libFuzzer: any bytes as a stream of frames, and as boxes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "transport/frame.h"
#include "transport/seal.h"

static void frames(const uint8_t *data, size_t size)
{
	for (uint32_t sequence = 0;; sequence++) {
		const char *reason = NULL;
		uint8_t again[FRAME_HEADER];
		struct frame f;
		int rc = frame_decode(data, size, sequence, &f, &reason);

		if (rc < 0 && (rc != -EPROTO || !reason))
			abort();
		if (rc <= 0)
			return;
		/* There is one way to write a frame. */
		frame_encode(again, &f, sequence);
		if (memcmp(again, data, FRAME_HEADER) != 0 || f.size > FRAME_PAYLOAD)
			abort();
		if (f.size > size - FRAME_HEADER)
			return;
		data += FRAME_HEADER + f.size;
		size -= FRAME_HEADER + f.size;
	}
}

static void boxes(const uint8_t *data, size_t size)
{
	struct seal s = {.cipher = SEAL_CHACHA20};
	uint8_t *copy = malloc(size ? size : 1);
	size_t plain, at = 0;
	long n;

	if (!copy)
		abort();
	memcpy(copy, data, size);
	while ((n = seal_open(&s, copy + at, size - at, &plain)) > 0) {
		if ((size_t)n > size - at || plain != (size_t)n - SEAL_SIZE - SEAL_TAG)
			abort();
		at += (size_t)n;
	}
	if (n && n != -EPROTO && n != -EBADMSG)
		abort();
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	frames(data, size);
	boxes(data, size);
	return 0;
}
