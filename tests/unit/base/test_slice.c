/*
 * Goal:   slices never look outside themselves and compare as their header says.
 * Method: tables; empty and NULL slices first.
 */
#include "base/slice.h"
#include "unit.h"

static void test_sub_clamps(void **state)
{
	struct slice s = SLICE("abcdef");

	(void)state;
	assert_int_equal(slice_sub(SLICE_EMPTY, 3, 4).len, 0);
	assert_int_equal(slice_sub(s, 7, 1).len, 0);
	assert_int_equal(slice_sub(s, 4, SIZE_MAX).len, 2);
	assert_true(slice_equal(slice_from(s, 2), SLICE("cdef")));
}

static void test_cut_visits_every_item_once(void **state)
{
	static const struct {
		const char *in;
		unsigned items;
	} vectors[] = { { "", 1 }, { ",", 2 }, { "a", 1 }, { "a,", 2 }, { "a,,b", 3 } };

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		struct slice rest = slice_of_str(vectors[i].in);
		unsigned items = 0;

		while (rest.ptr) {
			(void)slice_cut(&rest, ',');
			items++;
		}
		assert_int_equal(items, vectors[i].items);
	}
}

static void test_nocase_folds_ascii_only(void **state)
{
	(void)state;
	assert_true(slice_equal_nocase(SLICE("AbC-1"), SLICE("aBc-1")));
	assert_false(slice_equal_nocase(SLICE("@"), SLICE("`")));
	assert_false(slice_equal_nocase(SLICE("\xc3\x84"), SLICE("\xc3\xa4")));
	assert_false(slice_ends_with_nocase(SLICE("b"), SLICE("ab")));
}

/* Every length up to some words, every octet in every place. */
static void test_nocase_is_by_octets(void **state)
{
	uint8_t a[40], b[40], lower[40];

	(void)state;
	for (size_t len = 0; len <= sizeof(a); len++) {
		for (size_t at = 0; at < len; at++) {
			for (unsigned c = 0; c < 256; c++) {
				memset(a, 'q', sizeof(a));
				memset(b, 'Q', sizeof(b));
				a[at] = (uint8_t)c;
				b[at] = (uint8_t)(c ^ 0x20);
				assert_int_equal(slice_equal_nocase(slice_of(a, len), slice_of(b, len)), octet_is_alpha((uint8_t)c));
				memset(lower, 0, sizeof(lower));
				slice_lower(slice_of(a, len), lower);
				for (size_t i = 0; i < sizeof(lower); i++)
					assert_int_equal(lower[i], i < len ? octet_lower(a[i]) : 0);
			}
		}
	}
}

/* All texts of two letters: no two of a length are the same number. */
static void test_short_words_differ(void **state)
{
	uint64_t words[128];

	(void)state;
	assert_int_equal(slice_word_short(SLICE_EMPTY), 0);
	for (size_t len = 1; len <= 7; len++) {
		for (unsigned text = 0; text < 1u << len; text++) {
			uint8_t octets[7];

			for (size_t i = 0; i < len; i++)
				octets[i] = text >> i & 1 ? 0xff : 'a';
			words[text] = slice_word_short(slice_of(octets, len));
			assert_true(words[text] < UINT64_C(1) << 56);
			for (unsigned before = 0; before < text; before++)
				assert_true(words[before] != words[text]);
		}
	}
}

static void test_numbers(void **state)
{
	uint64_t value = 7;

	(void)state;
	assert_false(slice_to_u64(SLICE(""), 20, &value));
	assert_false(slice_to_u64(SLICE("+1"), 20, &value));
	assert_false(slice_to_u64(SLICE("18446744073709551616"), 20, &value));
	assert_false(slice_to_u64(SLICE("123"), 2, &value));
	assert_int_equal(value, 7);
	assert_true(slice_to_u64(SLICE("18446744073709551615"), 20, &value));
	assert_true(value == UINT64_MAX);
}

UNIT_MAIN(cmocka_unit_test(test_sub_clamps), cmocka_unit_test(test_cut_visits_every_item_once),
          cmocka_unit_test(test_nocase_folds_ascii_only),
          cmocka_unit_test(test_nocase_is_by_octets), cmocka_unit_test(test_short_words_differ), cmocka_unit_test(test_numbers))
