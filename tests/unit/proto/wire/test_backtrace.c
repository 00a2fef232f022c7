/*
 * Goal:   a frame is cut behind its request id, wherever devices on the way have put it, and nowhere else.
 * Method: frames of every number of hops and of every length, each in memory of its own.
 */
#include "proto/wire/backtrace.h"
#include "unit.h"

#include <stdlib.h>

/* `hops` words with top bit 0, the request id, then `body_len` octets that look like ids themselves. */
static size_t frame_make(uint8_t *frame, unsigned hops, size_t body_len)
{
	for (unsigned i = 0; i < hops; i++)
		memcpy(frame + (size_t)i * 4, (uint8_t[]){ 0x7f, 0xff, 0xff, (uint8_t)i }, 4);
	memcpy(frame + (size_t)hops * 4, (uint8_t[]){ 0x80, 0, 0, 1 }, 4);
	memset(frame + ((size_t)hops + 1) * 4, 0xff, body_len);
	return ((size_t)hops + 1) * 4 + body_len;
}

static void test_too_many_hops(void **state)
{
	uint8_t frame[256];

	(void)state;
	for (unsigned hops = WIRE_HOPS_MAX + 1; hops < 40; hops++) {
		struct slice backtrace, body;
		size_t len = frame_make(frame, hops, 9);

		assert_false(wire_backtrace_split(slice_of(frame, len), &backtrace, &body));
	}
}

static void test_no_request_id(void **state)
{
	(void)state;
	for (size_t len = 0; len < 100; len++) {
		uint8_t *frame = malloc(len ? len : 1);
		struct slice backtrace, body;

		assert_non_null(frame);
		memset(frame, 0x7f, len);
		assert_false(wire_backtrace_split(slice_of(frame, len), &backtrace, &body));
		free(frame);
	}
	assert_false(wire_backtrace_split(SLICE_EMPTY, &(struct slice){ NULL, 0 }, &(struct slice){ NULL, 0 }));
}

/* A word has to be whole, whatever its first octet says. */
static void test_short_frames(void **state)
{
	(void)state;
	for (unsigned hops = 0; hops <= WIRE_HOPS_MAX; hops++) {
		uint8_t whole[256];
		size_t len = frame_make(whole, hops, 0);

		for (size_t cut = 0; cut < len; cut++) {
			uint8_t *frame = malloc(cut ? cut : 1);
			struct slice backtrace, body;

			assert_non_null(frame);
			memcpy(frame, whole, cut);
			assert_false(wire_backtrace_split(slice_of(frame, cut), &backtrace, &body));
			free(frame);
		}
	}
}

static void test_every_number_of_hops(void **state)
{
	(void)state;
	for (unsigned hops = 0; hops <= WIRE_HOPS_MAX; hops++) {
		for (size_t body_len = 0; body_len < 10; body_len++) {
			uint8_t frame[256];
			struct slice backtrace, body;
			size_t len = frame_make(frame, hops, body_len);

			assert_true(wire_backtrace_split(slice_of(frame, len), &backtrace, &body));
			assert_ptr_equal(backtrace.ptr, frame);
			assert_int_equal(backtrace.len, (hops + 1) * 4);
			assert_ptr_equal(body.ptr, frame + backtrace.len);
			assert_int_equal(body.len, body_len);
		}
	}
}

UNIT_MAIN(cmocka_unit_test(test_too_many_hops), cmocka_unit_test(test_no_request_id),
          cmocka_unit_test(test_short_frames), cmocka_unit_test(test_every_number_of_hops))
