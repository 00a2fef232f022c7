/*
 * Goal:   every reason has a stable code of its own and a text whose placeholders are all filled; what outsiders wrote
 *         comes out printable and short.
 * Method: the whole table is walked; then one reason is rendered with hostile details.
 */
#include "proto/reason/reason.h"
#include "unit.h"

static const struct {
	const char *code, *what, *fix;
} rows[] = {
#define REASON(id, code, what, fix) { code, what, fix },
#include "proto/reason/reasons.def"
#undef REASON
};

static struct arena arena;

static struct slice render(struct reason reason)
{
	struct slice out;

	arena_reset(&arena);
	assert_int_equal(reason_render(&reason, &arena, &out), 0);
	return out;
}

static void test_codes_are_unique(void **state)
{
	(void)state;
	for (unsigned i = 0; i < REASON_COUNT; i++)
		for (unsigned j = 0; j < i; j++)
			if (strcmp(reason_code(i), reason_code(j)) == 0)
				fail_msg("%s stands twice", reason_code(i));
}

static void test_codes_are_lower_case_words_and_hyphens(void **state)
{
	(void)state;
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		const char *code = reason_code(i);

		if (!*code || code[strspn(code, "abcdefghijklmnopqrstuvwxyz0123456789-")] || code[0] == '-' ||
		    code[strlen(code) - 1] == '-' || strstr(code, "--"))
			fail_msg("\"%s\"", code);
	}
}

static void test_texts_are_printable_and_their_braces_are_placeholders(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *text = rows[i].what;
		struct slice out;

		if (!*text)
			fail_msg("%s: no text", rows[i].code);
		for (; *text; text++)
			if (*text < 0x20 || *text > 0x7e)
				fail_msg("%s: octet %02x", rows[i].code, (unsigned char)*text);
		/* Details without braces: any brace that is left was none of {1} and {2}. */
		out = render(reason_of_2((enum reason_id)(i + 1), SLICE("one"), SLICE("two")));
		if (slice_find(out, '{') != SLICE_NOT_FOUND || slice_find(out, '}') != SLICE_NOT_FOUND)
			fail_msg("%s: stray brace: %.*s", rows[i].code, SLICE_FMT(out));
	}
}

/* A fix is shown as it stands in the table. */
static void test_fixes_have_no_placeholders(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *fix = reason_fix((enum reason_id)(i + 1));

		assert_string_equal(fix, rows[i].fix);
		for (; *fix; fix++)
			if (*fix < 0x20 || *fix > 0x7e || *fix == '{' || *fix == '}')
				fail_msg("%s: fix \"%s\"", rows[i].code, rows[i].fix);
	}
}

static void test_nothing_to_explain(void **state)
{
	(void)state;
	assert_int_equal(render(reason_of(REASON_NONE)).len, 0);
	assert_string_equal(reason_fix(REASON_NONE), "");
	assert_string_equal(reason_code(REASON_NONE), "none");
}

static void test_details_are_escaped(void **state)
{
	(void)state;
	assert_slice_equal(render(reason_of_2(REASON_DKIM_IDENTITY_OUTSIDE, SLICE("a\r\nX: \x1b[31m\0"), SLICE("{1}\\\xff"))),
	                   SLICE("i=a\\x0d\\x0aX: \\x1b[31m\\x00 is not within d={1}\\x5c\\xff"));
	assert_slice_equal(render(reason_of(REASON_DKIM_IDENTITY_OUTSIDE)), SLICE("i= is not within d="));
}

static void test_details_are_cut(void **state)
{
	static uint8_t long_detail[REASON_DETAIL_OCTETS_MAX + 200];
	static const struct {
		size_t len, shown;
	} vectors[] = {
		{ REASON_DETAIL_OCTETS_MAX - 1, REASON_DETAIL_OCTETS_MAX - 1 },
		{ REASON_DETAIL_OCTETS_MAX, REASON_DETAIL_OCTETS_MAX },
		{ REASON_DETAIL_OCTETS_MAX + 1, REASON_DETAIL_OCTETS_MAX },
		{ sizeof(long_detail), REASON_DETAIL_OCTETS_MAX },
	};
	size_t bare = render(reason_of(REASON_DKIM_IDENTITY_OUTSIDE)).len;

	(void)state;
	memset(long_detail, 'x', sizeof(long_detail));
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		struct slice detail = slice_of(long_detail, vectors[i].len);

		assert_int_equal(render(reason_of_2(REASON_DKIM_IDENTITY_OUTSIDE, detail, detail)).len,
		                 bare + 2 * vectors[i].shown);
	}
}

static void test_full_arena(void **state)
{
	struct reason reason = reason_of_1(REASON_BUDGET, SLICE("dns.max-lookups"));
	struct slice out;
	struct arena small;

	(void)state;
	arena_init(&small, 64);
	assert_int_equal(reason_render(&reason, &small, &out), -ENOMEM);
	arena_deinit(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes_are_unique),
		cmocka_unit_test(test_codes_are_lower_case_words_and_hyphens),
		cmocka_unit_test(test_texts_are_printable_and_their_braces_are_placeholders),
		cmocka_unit_test(test_fixes_have_no_placeholders),
		cmocka_unit_test(test_nothing_to_explain),
		cmocka_unit_test(test_details_are_escaped),
		cmocka_unit_test(test_details_are_cut),
		cmocka_unit_test(test_full_arena),
	};
	int failed;

	arena_init(&arena, 1 << 16);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_deinit(&arena);
	return failed;
}
