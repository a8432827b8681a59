/* SPDX-License-Identifier: MIT */
/*
 * Frames and boxes by themselves: what may be written is read as it was written, whatever else
 * comes is refused with the reason, and nothing beyond what is there is looked at. Blocks are
 * allocated at their exact size, so that the sanitizer sees who reads too far.
 */
#include <errno.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "transport/frame.h"
#include "transport/seal.h"

static const bool has_payload[FRAME_TYPES] = {[FRAME_BYTES] = true, [FRAME_MESSAGE] = true};
static const bool has_stream[FRAME_TYPES] = {
	[FRAME_BYTES] = true, [FRAME_WANT] = true, [FRAME_STREAMS] = true, [FRAME_TAIL] = true};
static const bool has_position[FRAME_TYPES] = {[FRAME_BYTES] = true,
					       [FRAME_WANT] = true,
					       [FRAME_TAIL] = true,
					       [FRAME_PING] = true,
					       [FRAME_PONG] = true};

static const uint32_t numbers[] = {0, 1, 2, 255, 256, 0x7fffffff, 0x80000000, UINT32_MAX};
static const uint64_t positions[] = {0, 1, 0xffffffff, 0x100000000, INT64_MAX};
static const uint32_t sizes[] = {1, 2, 23, 24, 4096, FRAME_PAYLOAD - 1, FRAME_PAYLOAD};

#define EACH(i, of) (size_t i = 0; i < sizeof(of) / sizeof(*(of)); i++)

/* As frame_decode(), from a block of exactly so many bytes. */
static int decode(const uint8_t *bytes, size_t n, uint32_t sequence, struct frame *f,
		  const char **reason)
{
	uint8_t *block = malloc(n ? n : 1);
	int result;

	assert_non_null(block);
	memcpy(block, bytes, n);
	*reason = NULL;
	result = frame_decode(block, n, sequence, f, reason);
	free(block);
	return result;
}

static void refused(const uint8_t header[FRAME_HEADER], uint32_t sequence, const char *words)
{
	const char *reason;
	struct frame f;

	assert_int_equal(decode(header, FRAME_HEADER, sequence, &f, &reason), -EPROTO);
	if (!strstr(reason, words))
		fail_msg("refused for another reason than '%s': %s", words, reason);
}

static void there_and_back(const struct frame *f, uint32_t sequence)
{
	uint8_t header[FRAME_HEADER], again[FRAME_HEADER];
	const char *reason;
	struct frame g;

	memset(header, 0xee, sizeof(header));
	frame_encode(header, f, sequence);
	assert_int_equal(decode(header, FRAME_HEADER, sequence, &g, &reason), 1);
	assert_null(reason);
	assert_true(g.type == f->type && g.size == f->size && g.stream == f->stream &&
		    g.position == f->position);
	frame_encode(again, &g, sequence);
	assert_memory_equal(header, again, FRAME_HEADER);
	/* Any other number than the next, be it the last one or the one after the next. */
	for
		EACH(i, numbers)
		{
			if (numbers[i])
				refused(header, sequence + numbers[i], "out of sequence");
		}
}

static void every_type(void **state)
{
	(void)state;
	for (unsigned t = 1; t < FRAME_TYPES; t++) {
		for
			EACH(s, sizes)
			{
			for
				EACH(n, numbers)
				{
				for
					EACH(p, positions)
					{
						struct frame f = {
							.type = t,
							.size = has_payload[t] ? sizes[s] : 0,
							.stream = has_stream[t] ? numbers[n] : 0,
							.position =
								has_position[t] ? positions[p] : 0};

						there_and_back(&f, numbers[(s + n + p) % 8]);
					}
				}
			}
	}
}

/* As docs/protocol.md has it, byte by byte. */
static void layout(void **state)
{
	static const uint8_t bytes[FRAME_HEADER] = {0x04, 0x03, 0x00, 0x00, 1,    0,    0,    0,
						    0x08, 0x07, 0x06, 0x05, 0x0c, 0x0b, 0x0a, 0x09,
						    0x14, 0x13, 0x12, 0x11, 0x10, 0x0f, 0x0e, 0x0d};
	const struct frame f = {FRAME_BYTES, 0x0304, 0x090a0b0c, 0x0d0e0f1011121314};
	uint8_t header[FRAME_HEADER];

	(void)state;
	frame_encode(header, &f, 0x05060708);
	assert_memory_equal(header, bytes, FRAME_HEADER);
}

static void truncated(void **state)
{
	static const uint8_t garbage[FRAME_HEADER] = {0xff, 0xff, 0xff, 0xff, 0xff};
	uint8_t header[FRAME_HEADER];
	const char *reason;
	struct frame f;

	(void)state;
	frame_encode(header, &(struct frame){.type = FRAME_BYE}, 3);
	for (size_t n = 0; n < FRAME_HEADER; n++) {
		assert_int_equal(decode(header, n, 3, &f, &reason), 0);
		assert_int_equal(decode(garbage, n, 3, &f, &reason), 0);
		assert_null(reason);
	}
	assert_int_equal(decode(header, FRAME_HEADER, 3, &f, &reason), 1);
	assert_int_equal(decode(garbage, FRAME_HEADER, 3, &f, &reason), -EPROTO);
}

static void wrong_types(void **state)
{
	uint8_t header[FRAME_HEADER];

	(void)state;
	for (unsigned t = 0; t < 256; t++) {
		frame_encode(header, &(struct frame){.type = FRAME_BYE}, 0);
		header[4] = (uint8_t)t;
		if (t == 0 || t >= FRAME_TYPES)
			refused(header, 0, "no known type");
	}
	for (unsigned at = 5; at < 8; at++) {
		for (unsigned bit = 1; bit < 256; bit <<= 1) {
			frame_encode(header, &(struct frame){.type = FRAME_BYE}, 0);
			header[at] = (uint8_t)bit;
			refused(header, 0, "reserved");
		}
	}
}

static void wrong_sizes(void **state)
{
	static const uint32_t large[] = {FRAME_PAYLOAD + 1, FRAME_PAYLOAD * 2, 0x7fffffff,
					 0x80000000, UINT32_MAX};
	uint8_t header[FRAME_HEADER];

	(void)state;
	for (unsigned t = 1; t < FRAME_TYPES; t++) {
		struct frame f = {.type = t};

		for
			EACH(i, large)
			{
				f.size = large[i];
				frame_encode(header, &f, 0);
				refused(header, 0, "larger than allowed");
			}
		for
			EACH(i, sizes)
			{
				f.size = sizes[i];
				frame_encode(header, &f, 0);
				if (!has_payload[t])
					refused(header, 0, "a payload that its type hasn't");
			}
		f.size = 0;
		frame_encode(header, &f, 0);
		if (has_payload[t])
			refused(header, 0, "empty");
	}
}

static void wrong_fields(void **state)
{
	uint8_t header[FRAME_HEADER];

	(void)state;
	for (unsigned t = 1; t < FRAME_TYPES; t++) {
		struct frame f = {.type = t, .size = has_payload[t]};

		f.stream = 1;
		frame_encode(header, &f, 0);
		if (!has_stream[t])
			refused(header, 0, "stream or position");
		f.stream = 0;
		f.position = 1;
		frame_encode(header, &f, 0);
		if (!has_position[t])
			refused(header, 0, "stream or position");
		f.position = (uint64_t)INT64_MAX + 1;
		frame_encode(header, &f, 0);
		refused(header, 0, has_position[t] ? "beyond all streams" : "stream or position");
		f.position = UINT64_MAX;
		frame_encode(header, &f, 0);
		refused(header, 0, has_position[t] ? "beyond all streams" : "stream or position");
	}
}

static void names(void **state)
{
	(void)state;
	for (unsigned t = 1; t < FRAME_TYPES; t++)
		assert_true(strlen(frame_name(t)) > 1);
	assert_string_equal(frame_name(0), "?");
	assert_string_equal(frame_name(FRAME_TYPES), "?");
	assert_string_equal(frame_name(UINT32_MAX), "?");
}

/* ---- boxes ---- */

static const uint8_t key[2][KEY_BYTES] = {{1, 2, 3}, {4, 5, 6}}; /* of each direction */

/* The ciphers that this machine has. */
static unsigned ciphers(void)
{
	assert_true(sodium_init() >= 0);
	return seal_has_aes() ? 2 : 1;
}

/* A box of `n` bytes; at its exact size, to be freed. */
static uint8_t *box_of(struct seal *s, size_t n, size_t *size)
{
	uint8_t *box = malloc(SEAL_SIZE + n + SEAL_TAG);

	assert_non_null(box);
	for (size_t i = 0; i < n; i++)
		box[SEAL_SIZE + i] = (uint8_t)(i * 7 + n);
	*size = seal_close(s, box, n);
	assert_int_equal(*size, SEAL_SIZE + n + SEAL_TAG);
	return box;
}

/* What seal_open() says of `n` bytes of it; the box itself stays as it is. */
static long opened(struct seal *s, const uint8_t *box, size_t n)
{
	uint8_t *block = malloc(n ? n : 1);
	size_t plain = 0;
	long result;

	assert_non_null(block);
	memcpy(block, box, n);
	result = seal_open(s, block, n, &plain);
	if (result > 0) {
		assert_int_equal(plain, (size_t)result - SEAL_SIZE - SEAL_TAG);
		for (size_t i = 0; i < plain; i++)
			assert_int_equal(block[SEAL_SIZE + i], (uint8_t)(i * 7 + plain));
	}
	free(block);
	return result;
}

static void boxes(void **state)
{
	static const size_t plains[] = {
		1, 2, 23, 24, 15, 16, 17, 4096, FRAME_PAYLOAD, SEAL_PLAIN - 1, SEAL_PLAIN};
	struct seal a, b;
	size_t size;

	(void)state;
	for (unsigned c = 0; c < ciphers(); c++) {
		seal_begin(&a, c, key[0]);
		seal_begin(&b, c, key[0]);
		for
			EACH(i, plains)
			{
				uint8_t *box = box_of(&a, plains[i], &size);

				/* Whatever is missing is waited for. */
				assert_int_equal(opened(&b, box, 0), 0);
				assert_int_equal(opened(&b, box, SEAL_SIZE - 1), 0);
				assert_int_equal(opened(&b, box, SEAL_SIZE), 0);
				assert_int_equal(opened(&b, box, size - 1), 0);
				assert_int_equal(opened(&b, box, size), size);
				free(box);
			}
	}
}

static void impossible_boxes(void **state)
{
	static const uint32_t wrong[] = {
		0, 1, SEAL_TAG, SEAL_PLAIN + SEAL_TAG + 1, 0x7fffffff, 0x80000000, UINT32_MAX};
	struct seal s;

	(void)state;
	for (unsigned c = 0; c < ciphers(); c++) {
		for
			EACH(i, wrong)
			{
				uint8_t box[SEAL_SIZE + SEAL_TAG + 1] = {0};

				memcpy(box, &wrong[i], sizeof(wrong[i]));
				seal_begin(&s, c, key[0]);
				assert_int_equal(opened(&s, box, SEAL_SIZE), -EPROTO);
				assert_int_equal(opened(&s, box, sizeof(box)), -EPROTO);
				assert_int_equal(s.count, 0);
			}
	}
}

/* Boxes open in the order in which they were closed, each once, in their own direction only. */
static void order(void **state)
{
	(void)state;
	for (unsigned c = 0; c < ciphers(); c++) {
		struct seal to[2], from[2];
		uint8_t *box[2][4];
		size_t size;

		for (unsigned d = 0; d < 2; d++) {
			seal_begin(&to[d], c, key[d]);
			seal_begin(&from[d], c, key[d]);
			for (unsigned i = 0; i < 4; i++)
				box[d][i] = box_of(&to[d], 30, &size);
		}
		for (unsigned d = 0; d < 2; d++) {
			for (unsigned i = 0; i < 4; i++) {
				for (unsigned j = 0; j < 4; j++) {
					if (j != i) /* replayed, left out, reordered */
						assert_int_equal(opened(&from[d], box[d][j], size),
								 -EBADMSG);
					/* the other direction's, sent back */
					assert_int_equal(opened(&from[d], box[!d][j], size),
							 -EBADMSG);
				}
				assert_int_equal(opened(&from[d], box[d][i], size), size);
			}
		}
		for (unsigned i = 0; i < 8; i++)
			free(box[i / 4][i % 4]);
	}
}

static void changed_boxes(void **state)
{
	(void)state;
	for (unsigned c = 0; c < ciphers(); c++) {
		struct seal a, b;
		size_t size;
		uint8_t *box;

		seal_begin(&a, c, key[0]);
		box = box_of(&a, 40, &size);
		for (size_t bit = 0; bit < 8 * size; bit++) {
			long result;

			seal_begin(&b, c, key[0]);
			box[bit / 8] ^= (uint8_t)(1u << bit % 8);
			result = opened(&b, box, size);
			/* A larger size waits for bytes that won't come, or is impossible. */
			if (bit < 8 * SEAL_SIZE)
				assert_true(result == 0 || result == -EPROTO || result == -EBADMSG);
			else
				assert_int_equal(result, -EBADMSG);
			box[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		seal_begin(&b, c, key[1]);
		assert_int_equal(opened(&b, box, size), -EBADMSG);
		seal_begin(&b, c, key[0]);
		assert_int_equal(opened(&b, box, size), size);
		free(box);
	}
}

/* Both libraries make the same boxes, and open each other's. */
static void libraries(void **state)
{
	static const size_t plains[] = {1,    SEAL_LARGE - 1,    SEAL_LARGE,     SEAL_LARGE + 1,
					4096, FRAME_PAYLOAD + 3, SEAL_PLAIN - 1, SEAL_PLAIN};

	(void)state;
	for (unsigned c = 0; c < ciphers(); c++) {
		struct seal one, other, opens[2];
		size_t size;

		seal_begin(&one, c, key[0]);
		seal_begin(&other, c, key[0]);
		seal_begin(&opens[0], c, key[0]);
		seal_begin(&opens[1], c, key[0]);
		seal_hasten(&other, true);
		seal_hasten(&opens[1], false);
		if (!other.large || !opens[1].large)
			print_message("no libcrypto.so.3 here: libsodium against itself\n");
		for
			EACH(i, plains)
			{
				uint8_t *box = box_of(&one, plains[i], &size);
				uint8_t *same = box_of(&other, plains[i], &size);

				assert_memory_equal(box, same, size);
				for (unsigned o = 0; o < 2; o++) {
					for (size_t at = SEAL_SIZE; at < size; at += size / 5) {
						box[at] ^= 1;
						assert_int_equal(opened(&opens[o], box, size),
								 -EBADMSG);
						box[at] ^= 1;
					}
					assert_int_equal(opened(&opens[o], box, size), size);
					/* again */
					assert_int_equal(opened(&opens[o], box, size), -EBADMSG);
				}
				free(box);
				free(same);
			}
		seal_end(&one);
		seal_end(&other);
		seal_end(&opens[0]);
		seal_end(&opens[1]);
	}
}

/* A box that is gathered from pieces, small and large, is the box of all of them. */
static void gathered(void **state)
{
	static const size_t sizes_of[][5] = {
		{1},
		{24, 100, 24, 7},
		{24, SEAL_LARGE - 25},
		{24, SEAL_LARGE, 24, 1, 24},
		{SEAL_LARGE + 5, SEAL_LARGE, 3},
		{24, 65536, 24, 2000, 24},
	};

	(void)state;
	for (unsigned c = 0; c < 2 * ciphers(); c++) {
		struct seal one, other;

		seal_begin(&one, c / 2, key[0]);
		seal_begin(&other, c / 2, key[0]);
		if (c % 2)
			seal_hasten(&other, true);
		for
			EACH(i, sizes_of)
			{
				uint8_t *piece[5] = {NULL}, *box, *same;
				struct iovec iov[5];
				size_t plain = 0, size;
				unsigned n = 0;

				for (; n < 5 && sizes_of[i][n]; n++)
					plain += sizes_of[i][n];
				box = box_of(&one, plain, &size);
				same = malloc(size);
				assert_non_null(same);
				for (size_t j = 0, at = 0; j < n; at += sizes_of[i][j++]) {
					piece[j] = malloc(sizes_of[i][j]);
					assert_non_null(piece[j]);
					for (size_t k = 0; k < sizes_of[i][j]; k++)
						piece[j][k] = (uint8_t)((at + k) * 7 + plain);
					iov[j] = (struct iovec){piece[j], sizes_of[i][j]};
				}
				assert_int_equal(seal_gather(&other, same, iov, n, plain), size);
				assert_memory_equal(box, same, size);
				for (unsigned j = 0; j < n; j++)
					free(piece[j]);
				free(box);
				free(same);
			}
		seal_end(&one);
		seal_end(&other);
	}
}

/* A box holds whole frames: what is in it is checked as if it had come without one. */
static void frames_in_boxes(void **state)
{
	(void)state;
	for (unsigned c = 0; c < ciphers(); c++) {
		uint8_t box[SEAL_SIZE + 3 * FRAME_HEADER + SEAL_TAG];
		const char *reason;
		struct seal a, b;
		struct frame f;
		size_t plain;

		seal_begin(&a, c, key[0]);
		seal_begin(&b, c, key[0]);
		for (uint32_t i = 0; i < 3; i++)
			frame_encode(box + SEAL_SIZE + i * FRAME_HEADER,
				     &(struct frame){.type = FRAME_PING, .position = i}, i);
		assert_int_equal(seal_close(&a, box, 3 * FRAME_HEADER), sizeof(box));
		assert_int_equal(seal_open(&b, box, sizeof(box), &plain), sizeof(box));
		for (uint32_t i = 0; i < 3; i++) {
			const uint8_t *at = box + SEAL_SIZE + i * FRAME_HEADER;

			assert_int_equal(decode(at, FRAME_HEADER, i, &f, &reason), 1);
			assert_int_equal(f.position, i);
			refused(at, i + 1, "out of sequence");
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type),
		cmocka_unit_test(layout),
		cmocka_unit_test(truncated),
		cmocka_unit_test(wrong_types),
		cmocka_unit_test(wrong_sizes),
		cmocka_unit_test(wrong_fields),
		cmocka_unit_test(names),
		cmocka_unit_test(boxes),
		cmocka_unit_test(impossible_boxes),
		cmocka_unit_test(order),
		cmocka_unit_test(changed_boxes),
		cmocka_unit_test(libraries),
		cmocka_unit_test(gathered),
		cmocka_unit_test(frames_in_boxes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
