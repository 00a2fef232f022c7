/*
 * Goal:   a mask says of each of the 64 octets what an octet-wise look says; an end is padded with zeroes.
 * Method: seeded blocks, every octet value in every question once; slices of every length.
 */
#include "base/block.h"

#include "unit.h"

static uint32_t seed = 7;

static uint8_t next_octet(void)
{
	seed = seed * 1664525 + 1013904223;
	return (uint8_t)(seed >> 24);
}

static void test_masks(void **state)
{
	uint8_t block[BLOCK_OCTETS];

	(void)state;
	for (unsigned round = 0; round < 4096; round++) {
		uint8_t c = (uint8_t)round, low = next_octet(), high = next_octet();
		uint64_t equal, within;

		for (unsigned i = 0; i < BLOCK_OCTETS; i++)
			block[i] = next_octet() & 3 ? next_octet() : c;
		equal = block_equal(block, c);
		within = block_within(block, low < high ? low : high, low < high ? high : low);
		for (unsigned i = 0; i < BLOCK_OCTETS; i++) {
			bool is_within = block[i] >= (low < high ? low : high) && block[i] <= (low < high ? high : low);

			assert_int_equal(equal >> i & 1, block[i] == c);
			assert_int_equal(within >> i & 1, is_within);
		}
	}
}

static void test_lower_and_high(void **state)
{
	uint8_t block[BLOCK_OCTETS], lower[BLOCK_PART_OCTETS];

	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		for (unsigned i = 0; i < BLOCK_OCTETS; i++) {
			memset(block, 'x', sizeof(block));
			block[i] = (uint8_t)c;
			assert_int_equal(block_has_high(block), c > 127);
			if (i >= BLOCK_PART_OCTETS)
				continue;
			block_part_lower(block, lower);
			for (unsigned at = 0; at < BLOCK_PART_OCTETS; at++)
				assert_int_equal(lower[at], octet_lower(block[at]));
		}
	}
}

static void test_copy(void **state)
{
	uint8_t octets[BLOCK_OCTETS], copy[BLOCK_OCTETS];

	(void)state;
	memset(octets, 'x', sizeof(octets));
	for (size_t len = 0; len <= BLOCK_OCTETS; len++) {
		memset(copy, 'y', sizeof(copy));
		assert_ptr_equal(block_copy(slice_of(octets, len), copy), copy);
		for (size_t i = 0; i < BLOCK_OCTETS; i++)
			assert_int_equal(copy[i], i < len ? 'x' : 0);
	}
}

static void test_ends(void **state)
{
	uint8_t octets[3 * BLOCK_OCTETS], copy[BLOCK_OCTETS];

	(void)state;
	memset(octets, 'x', sizeof(octets));
	for (size_t len = 1; len <= sizeof(octets); len++) {
		for (size_t at = 0; at < len; at++) {
			const uint8_t *block = block_of(slice_of(octets, len), at, copy);
			size_t there = len - at < BLOCK_OCTETS ? len - at : BLOCK_OCTETS;

			assert_true(there < BLOCK_OCTETS || block == octets + at);
			for (size_t i = 0; i < BLOCK_OCTETS; i++)
				assert_int_equal(block[i], i < there ? 'x' : 0);
		}
	}
	assert_int_equal(block_bits_below(0), 0);
	assert_int_equal(block_bits_below(5), 31);
}

UNIT_MAIN(cmocka_unit_test(test_masks), cmocka_unit_test(test_lower_and_high), cmocka_unit_test(test_copy),
          cmocka_unit_test(test_ends))
