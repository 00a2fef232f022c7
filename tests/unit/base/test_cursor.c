/*
 * Goal:   a cursor never leaves its slice; the first read beyond the end fails it for good.
 * Method: each way of reading, over every length that is too short for it, lying at the very end of its memory so that
 *         sanitizers see a read beyond; then the values of what is there.
 */
#include "base/cursor.h"
#include "unit.h"

#include <stdlib.h>

static uint64_t read_u8(struct cursor *c) { return cursor_u8(c); }
static uint64_t read_u16(struct cursor *c) { return cursor_u16(c); }
static uint64_t read_u32(struct cursor *c) { return cursor_u32(c); }
static uint64_t read_u64(struct cursor *c) { return cursor_u64(c); }
static uint64_t read_five(struct cursor *c) { return cursor_take(c, 5).len; }
static uint64_t read_huge(struct cursor *c) { return cursor_take(c, SIZE_MAX).len; }

static const struct {
	const char *name;
	uint64_t (*read)(struct cursor *c);
	size_t octets;
} readers[] = {
	{ "u8", read_u8, 1 },     { "u16", read_u16, 2 },    { "u32", read_u32, 4 },
	{ "u64", read_u64, 8 },   { "take_5", read_five, 5 }, { "take_huge", read_huge, 9 },
};

static void check_failed(struct cursor *c, size_t at)
{
	assert_true(c->failed);
	assert_int_equal(c->at, at);
	assert_int_equal(cursor_left(c), 0);
	assert_true(cursor_at_end(c));
	assert_int_equal(cursor_peek(c), -1);
	assert_false(cursor_skip(c, 0xff));
	for (size_t i = 0; i < COUNT_OF(readers); i++)
		assert_int_equal(readers[i].read(c), 0);
	assert_int_equal(cursor_take(c, 0).len, 0);
	assert_true(c->failed);
	assert_int_equal(c->at, at);
}

static void test_every_read_beyond_the_end_fails_and_sticks(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(readers); i++) {
		for (size_t len = 0; len < readers[i].octets; len++) {
			uint8_t *octets = malloc(len + 1);
			struct cursor c;

			assert_non_null(octets);
			memset(octets, 0xff, len + 1);
			c = cursor_of(slice_of(octets + 1, len));
			for (size_t at = 0; at < len / 2; at++)
				assert_int_equal(cursor_u8(&c), 0xff);
			if (readers[i].read(&c) != 0)
				fail_msg("%s of %zu octets: a value", readers[i].name, len);
			check_failed(&c, len / 2);
			free(octets);
		}
	}
}

static void test_empty_and_null(void **state)
{
	struct cursor c = cursor_of(SLICE_EMPTY);

	(void)state;
	assert_true(cursor_at_end(&c));
	assert_int_equal(cursor_peek(&c), -1);
	assert_false(cursor_skip(&c, 0));
	assert_int_equal(cursor_take(&c, 0).len, 0);
	assert_false(c.failed);
	assert_int_equal(cursor_u8(&c), 0);
	assert_true(c.failed);
}

static void test_numbers_are_big_endian(void **state)
{
	static const uint8_t octets[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xff };
	struct cursor c = cursor_of(slice_of(octets, sizeof(octets)));

	(void)state;
	assert_int_equal(cursor_u16(&c), 0x0102);
	assert_int_equal(cursor_u32(&c), 0x03040506);
	assert_true(cursor_u64(&c) == UINT64_C(0x0708090a0b0c0d0e));
	assert_int_equal(cursor_left(&c), 1);
	assert_int_equal(cursor_u8(&c), 0xff);
	assert_true(cursor_at_end(&c));
	assert_false(c.failed);
}

static void test_take_points_into_the_input(void **state)
{
	struct slice input = SLICE("abcdef");
	struct cursor c = cursor_of(input);
	struct slice taken;

	(void)state;
	(void)cursor_take(&c, 2);
	taken = cursor_take(&c, 3);
	assert_ptr_equal(taken.ptr, input.ptr + 2);
	assert_slice_equal(taken, SLICE("cde"));
	assert_int_equal(cursor_take(&c, 1).len, 1);
	assert_false(c.failed);
}

static void test_skip_moves_over_that_octet_only(void **state)
{
	struct cursor c = cursor_of(SLICE("\xff" "b"));

	(void)state;
	assert_false(cursor_skip(&c, 'b'));
	assert_int_equal(c.at, 0);
	assert_int_equal(cursor_peek(&c), 0xff);
	assert_true(cursor_skip(&c, 0xff));
	assert_true(cursor_skip(&c, 'b'));
	assert_false(cursor_skip(&c, 'b'));
	assert_false(c.failed);
}

UNIT_MAIN(cmocka_unit_test(test_every_read_beyond_the_end_fails_and_sticks), cmocka_unit_test(test_empty_and_null),
          cmocka_unit_test(test_numbers_are_big_endian), cmocka_unit_test(test_take_points_into_the_input),
          cmocka_unit_test(test_skip_moves_over_that_octet_only))
