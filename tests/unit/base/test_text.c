/*
 * Goal:   appended text comes out whole, or not at all; outside octets come out printable.
 * Method: an arena of every size, so that each append is the one that fails once; then growth against a model.
 */
#include "base/text.h"
#include "unit.h"

static void append_everything(struct text *text)
{
	text_str(text, "a string, ");
	text_u64(text, UINT64_MAX);
	text_octet(text, ' ');
	text_printf(text, "%s=%0200d", "number", 7);
	text_printable(text, SLICE("\r\n\\"));
	text_add(text, SLICE_EMPTY);
	text_str(text, NULL);
	text_insert(text, 0, SLICE("first, "));
	for (unsigned i = 0; i < 100; i++)
		text_add(text, SLICE(" and more"));
}

static void test_failure_is_sticky_wherever_it_comes(void **state)
{
	unsigned failed = 0, done = 0;

	(void)state;
	for (size_t bytes_max = 0; bytes_max < 8192; bytes_max += 16) {
		struct arena arena;
		struct text text;
		struct slice out = SLICE("untouched");
		size_t len;

		arena_init(&arena, bytes_max);
		text_init(&text, &arena);
		append_everything(&text);
		len = text.len;
		if (text_finish(&text, &out) == 0) {
			done++;
			assert_int_equal(out.len, len);
		} else {
			failed++;
			assert_true(text.failed);
			assert_slice_equal(out, SLICE("untouched"));
			text_str(&text, "x");
			text_octet(&text, 'x');
			text_insert(&text, 0, SLICE("x"));
			text_printf(&text, "%d", 1);
			assert_int_equal(text.len, len);
			assert_int_equal(text_finish(&text, &out), -ENOMEM);
		}
		arena_deinit(&arena);
	}
	assert_true(failed > 0 && done > 0);
}

static void test_impossible_lengths_fail(void **state)
{
	struct arena arena;
	struct text text;
	struct slice out;
	volatile size_t impossible = SIZE_MAX; /* not for the compiler to see */

	(void)state;
	arena_init(&arena, 4096);
	text_init(&text, &arena);
	text_str(&text, "x");
	text_add(&text, slice_of("x", impossible));
	assert_int_equal(text_finish(&text, &out), -ENOMEM);
	arena_deinit(&arena);
}

static void test_printable_escapes_every_other_octet(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 16);
	for (unsigned octet = 0; octet < 256; octet++) {
		uint8_t c = (uint8_t)octet;
		struct text text;
		struct slice out;
		char want[8];

		if (octet >= 0x20 && octet <= 0x7e && octet != '\\')
			snprintf(want, sizeof(want), "%c", (char)c);
		else
			snprintf(want, sizeof(want), "\\x%02x", octet);
		text_init(&text, &arena);
		text_printable(&text, slice_of(&c, 1));
		assert_int_equal(text_finish(&text, &out), 0);
		assert_slice_equal(out, slice_of_str(want));
	}
	arena_deinit(&arena);
}

/* Wherever the octet stands among others: they are looked at several at once. */
static void test_printable_escapes_at_every_place(void **state)
{
	static const uint8_t odd[] = { 0, 0x1f, '\\', 0x7f, 0x80, 0x9c, 0xff };
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 16);
	for (size_t len = 1; len < 40; len++) {
		for (size_t at = 0; at < len; at++) {
			for (size_t i = 0; i < COUNT_OF(odd); i++) {
				char in[40], want[48];
				struct text text;
				struct slice out;

				memcpy(in, " !09AZaz~[]^{}| !09AZaz~[]^{}| !09AZaz~[", len);
				snprintf(want, sizeof(want), "%.*s\\x%02x%.*s", (int)at, in, odd[i], (int)(len - at - 1), in + at + 1);
				in[at] = (char)odd[i];
				arena_reset(&arena);
				text_init(&text, &arena);
				text_printable(&text, slice_of(in, len));
				assert_int_equal(text_finish(&text, &out), 0);
				assert_slice_equal(out, slice_of_str(want));
			}
		}
	}
	arena_deinit(&arena);
}

static void test_nothing_gives_an_empty_string(void **state)
{
	struct arena arena;
	struct text text;
	struct slice out;

	(void)state;
	arena_init(&arena, 1024);
	text_init(&text, &arena);
	text_printf(&text, "%s", "");
	assert_int_equal(text_finish(&text, &out), 0);
	assert_int_equal(out.len, 0);
	assert_int_equal(out.ptr[0], 0);
	arena_deinit(&arena);
}

static void test_growth_keeps_what_is_there(void **state)
{
	static char model[20000];
	struct arena arena;
	struct text text;
	struct slice out;
	size_t len = 0;

	(void)state;
	arena_init(&arena, 1 << 20);
	text_init(&text, &arena);
	for (unsigned i = 0; len + 64 < sizeof(model); i++) {
		len += (size_t)snprintf(model + len, sizeof(model) - len, "%u:%.*s;", i, (int)(i % 40),
		                        "0123456789012345678901234567890123456789");
		text_u64(&text, i);
		text_octet(&text, ':');
		text_add(&text, slice_of("0123456789012345678901234567890123456789", i % 40));
		text_printf(&text, "%c", ';');
	}
	assert_int_equal(text_finish(&text, &out), 0);
	assert_slice_equal(out, slice_of(model, len));
	assert_int_equal(out.ptr[len], 0);
	assert_true(arena.bytes_used <= 4 * (len + 128));
	arena_deinit(&arena);
}

/* A text that fills its memory to the last octet still has its NUL. */
static void test_every_length_ends_in_nul(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 16);
	for (size_t len = 0; len < 600; len++) {
		struct text text;
		struct slice out;

		arena_reset(&arena);
		text_init(&text, &arena);
		for (size_t i = 0; i < len; i++)
			text_octet(&text, 'x');
		assert_int_equal(text_finish(&text, &out), 0);
		assert_int_equal(strlen((const char *)out.ptr), len);
	}
	arena_deinit(&arena);
}

static void test_insert_at_every_place(void **state)
{
	static const char whole[] = "0123456789";
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 16);
	for (size_t at = 0; at < sizeof(whole); at++) {
		struct text text;
		struct slice out;
		char want[32];

		snprintf(want, sizeof(want), "%.*s<->%s", (int)at, whole, whole + at);
		text_init(&text, &arena);
		text_str(&text, whole);
		text_insert(&text, at, SLICE_EMPTY);
		text_insert(&text, at, SLICE("<->"));
		assert_int_equal(text_finish(&text, &out), 0);
		assert_slice_equal(out, slice_of_str(want));
	}
	arena_deinit(&arena);
}

/* Who fails at something else says so. */
static void test_failure_from_outside(void **state)
{
	struct arena arena;
	struct text text;
	struct slice out;

	(void)state;
	arena_init(&arena, 4096);
	text_init(&text, &arena);
	text_str(&text, "abc");
	text.failed = true;
	assert_int_equal(text_finish(&text, &out), -ENOMEM);
	arena_deinit(&arena);
}

UNIT_MAIN(cmocka_unit_test(test_failure_is_sticky_wherever_it_comes), cmocka_unit_test(test_impossible_lengths_fail),
          cmocka_unit_test(test_printable_escapes_every_other_octet),
          cmocka_unit_test(test_printable_escapes_at_every_place),
          cmocka_unit_test(test_nothing_gives_an_empty_string), cmocka_unit_test(test_growth_keeps_what_is_there),
          cmocka_unit_test(test_every_length_ends_in_nul), cmocka_unit_test(test_insert_at_every_place),
          cmocka_unit_test(test_failure_from_outside))
