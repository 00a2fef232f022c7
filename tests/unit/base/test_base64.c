/*
 * Goal:   one text, one meaning: RFC 4648's encodings decode, white space may stand anywhere, all else is refused.
 * Method: tables, refusals first; then every octet value in every place of a group, round trips of every octet, and an
 *         arena that is full.
 */
#include "base/base64.h"
#include "unit.h"

#include <stdlib.h>

static struct arena arena;

static int decode(struct slice text, struct slice *out)
{
	arena_reset(&arena);
	return base64_decode(text, &arena, out);
}

static void test_invalid(void **state)
{
	static const struct {
		const char *name;
		struct slice text;
	} vectors[] = {
		{ "one_digit", SLICE_INIT("A") },
		{ "one_digit_padded", SLICE_INIT("A===") },
		{ "five_digits", SLICE_INIT("AAAAA") },
		{ "padding_only", SLICE_INIT("=") },
		{ "padding_group", SLICE_INIT("====") },
		{ "padding_after_whole_group", SLICE_INIT("Zm9v=") },
		{ "padding_half", SLICE_INIT("Zg=") },
		{ "padding_too_long_for_two", SLICE_INIT("Zg===") },
		{ "padding_too_long_for_three", SLICE_INIT("Zm8==") },
		{ "padding_in_the_middle", SLICE_INIT("Zg==Zg==") },
		{ "padding_splits_group", SLICE_INIT("Z=g=") },
		{ "data_behind_padding_and_space", SLICE_INIT("Zg== Zg") },
		{ "unused_bits_of_two", SLICE_INIT("Zh==") },
		{ "unused_bits_of_two_unpadded", SLICE_INIT("Zv") },
		{ "unused_bits_of_three", SLICE_INIT("Zm9=") },
		{ "unused_bits_of_three_unpadded", SLICE_INIT("Zm+") },
		{ "url_alphabet_minus", SLICE_INIT("-A==") },
		{ "url_alphabet_underscore", SLICE_INIT("_A==") },
		{ "nul", SLICE_INIT("Zm\0v") },
		{ "vertical_tab", SLICE_INIT("Zm\vv") },
		{ "form_feed", SLICE_INIT("Zm9v\f") },
		{ "high_bit", SLICE_INIT("Zm9\xf6") },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		struct slice out;

		if (decode(vectors[i].text, &out) != BASE64_INVALID)
			fail_msg("%s: accepted", vectors[i].name);
	}
}

static void test_valid(void **state)
{
	static const struct {
		const char *name;
		struct slice text, octets;
	} vectors[] = {
		{ "rfc4648_0", SLICE_INIT(""), SLICE_INIT("") },
		{ "rfc4648_1", SLICE_INIT("Zg=="), SLICE_INIT("f") },
		{ "rfc4648_2", SLICE_INIT("Zm8="), SLICE_INIT("fo") },
		{ "rfc4648_3", SLICE_INIT("Zm9v"), SLICE_INIT("foo") },
		{ "rfc4648_4", SLICE_INIT("Zm9vYg=="), SLICE_INIT("foob") },
		{ "rfc4648_5", SLICE_INIT("Zm9vYmE="), SLICE_INIT("fooba") },
		{ "rfc4648_6", SLICE_INIT("Zm9vYmFy"), SLICE_INIT("foobar") },
		{ "unpadded_1", SLICE_INIT("Zg"), SLICE_INIT("f") },
		{ "unpadded_2", SLICE_INIT("Zm8"), SLICE_INIT("fo") },
		{ "white_space_only", SLICE_INIT(" \t\r\n"), SLICE_INIT("") },
		{ "white_space_everywhere", SLICE_INIT("\r\n\tZ m\r\n 9\tv "), SLICE_INIT("foo") },
		{ "white_space_within_padding", SLICE_INIT("Zg =\r\n = "), SLICE_INIT("f") },
		{ "both_last_digits", SLICE_INIT("+/+/"), SLICE_INIT("\xfb\xff\xbf") },
		{ "all_zero", SLICE_INIT("AAAA"), SLICE_INIT("\0\0\0") },
		{ "all_ones", SLICE_INIT("////"), SLICE_INIT("\xff\xff\xff") },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		struct slice out;

		if (decode(vectors[i].text, &out) != BASE64_OK)
			fail_msg("%s: refused", vectors[i].name);
		assert_slice_equal(out, vectors[i].octets);
	}
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* 64 digits have their value wherever they stand in a group; 4 octets are skipped; everything else is refused. */
static void test_every_octet_in_every_place(void **state)
{
	(void)state;
	for (unsigned octet = 0; octet < 256; octet++) {
		const char *digit = octet ? strchr(alphabet, (int)octet) : NULL;
		bool is_space = octet == ' ' || octet == '\t' || octet == '\r' || octet == '\n';

		for (unsigned place = 0; place < 4; place++) {
			uint8_t text[4] = { 'A', 'A', 'A', 'A' };
			struct slice out;
			int result;

			text[place] = (uint8_t)octet;
			result = decode(slice_of(text, 4), &out);
			if (digit) {
				uint32_t group = (uint32_t)(digit - alphabet) << (18 - 6 * place);

				assert_int_equal(result, BASE64_OK);
				assert_int_equal(out.len, 3);
				assert_int_equal((uint32_t)(out.ptr[0] << 16 | out.ptr[1] << 8 | out.ptr[2]), group);
			} else if (is_space || (octet == '=' && place == 3)) {
				assert_int_equal(result, BASE64_OK);
				assert_int_equal(out.len, 2);
			} else {
				assert_int_equal(result, BASE64_INVALID);
			}
		}
	}
}

/* Every bit behind the last whole octet has to be 0. */
static void test_every_last_digit(void **state)
{
	(void)state;
	for (unsigned value = 0; value < 64; value++) {
		const char text[] = { 'A', 'A', alphabet[value], 0 };
		struct slice out;

		assert_int_equal(decode(slice_of(text + 1, 2), &out), value & 15 ? BASE64_INVALID : BASE64_OK);
		assert_int_equal(decode(slice_of(text, 3), &out), value & 3 ? BASE64_INVALID : BASE64_OK);
	}
}

static void test_round_trip_of_every_length_and_octet(void **state)
{
	(void)state;
	for (size_t len = 0; len < 260; len++) {
		uint8_t octets[260];
		char text[360], *exact;
		size_t at = 0;
		struct slice out;

		for (size_t i = 0; i < len; i++)
			octets[i] = (uint8_t)(i * 97 + len);
		for (size_t i = 0; i < len; i += 3) {
			size_t here = len - i < 3 ? len - i : 3;
			uint32_t group = (uint32_t)octets[i] << 16 | (here > 1 ? (uint32_t)octets[i + 1] << 8 : 0) |
			                 (here > 2 ? octets[i + 2] : 0u);

			for (size_t digit = 0; digit < 4; digit++)
				text[at++] = digit <= here ? alphabet[group >> (18 - 6 * digit) & 63] : '=';
		}
		exact = malloc(at ? at : 1); /* of its own, so that sanitizers see a read behind the end */
		assert_non_null(exact);
		memcpy(exact, text, at);
		assert_int_equal(decode(slice_of(exact, at), &out), BASE64_OK);
		assert_slice_equal(out, slice_of(octets, len));
		free(exact);
	}
}

static void test_full_arena(void **state)
{
	struct arena small;
	struct slice out;

	(void)state;
	arena_init(&small, 2);
	assert_int_equal(base64_decode(SLICE("Zm9v"), &small, &out), -ENOMEM);
	arena_deinit(&small);
}

/* RFC 4648 section 10; then every length and octet there and back. */
static void test_encoding(void **state)
{
	static const char *const known[][2] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foobar", "Zm9vYmFy" },
		{ "\xfb\xff\xbf", "+/+/" },
	};
	uint8_t octets[256];

	(void)state;
	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)(i * 7);
	for (size_t len = 0; len < COUNT_OF(known) + sizeof(octets); len++) {
		bool is_known = len < COUNT_OF(known);
		struct slice in = is_known ? slice_of_str(known[len][0]) : slice_of(octets, len - COUNT_OF(known)), text, out;
		struct text made;

		arena_reset(&arena);
		text_init(&made, &arena);
		base64_add(&made, in);
		assert_int_equal(text_finish(&made, &text), 0);
		if (is_known)
			assert_slice_equal(text, slice_of_str(known[len][1]));
		if (base64_decode(text, &arena, &out) != BASE64_OK || !slice_equal(out, in))
			fail_msg("%zu: %.*s", len, SLICE_FMT(text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_invalid),
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_every_octet_in_every_place),
		cmocka_unit_test(test_every_last_digit),
		cmocka_unit_test(test_round_trip_of_every_length_and_octet),
		cmocka_unit_test(test_encoding),
		cmocka_unit_test(test_full_arena),
	};
	int failed;

	arena_init(&arena, 1 << 16);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_deinit(&arena);
	return failed;
}
