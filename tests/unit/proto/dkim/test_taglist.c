/*
 * Goal:   tag lists are read by RFC 6376 section 3.2 (erratum 5070), and nothing that is not one is.
 * Method: tables, invalid lists first; a list is shown as "name=value|".
 */
#include "proto/dkim/taglist.h"

#include "unit.h"

static const struct {
	const char *name;
	struct slice text;
} invalid[] = {
	{ "empty", { NULL, 0 } },
	{ "white_space_only", { (const uint8_t *)" ", 1 } },
	{ "separator_only", { (const uint8_t *)";", 1 } },
	{ "no_equals", { (const uint8_t *)"a", 1 } },
	{ "no_name", { (const uint8_t *)"=1", 2 } },
	{ "empty_item", { (const uint8_t *)"a=1;;b=2", 8 } },
	{ "two_separators_last", { (const uint8_t *)"a=1;;", 5 } },
	{ "separator_first", { (const uint8_t *)";a=1", 4 } },
	{ "name_begins_with_digit", { (const uint8_t *)"1a=1", 4 } },
	{ "name_with_hyphen", { (const uint8_t *)"a-b=1", 5 } },
	{ "name_with_white_space", { (const uint8_t *)"a b=1", 5 } },
	{ "duplicate", { (const uint8_t *)"a=1; b=2; a=1", 13 } },
	{ "duplicate_empty", { (const uint8_t *)"a=;a=", 5 } },
	{ "nul", { (const uint8_t *)"a=1\0; b=2", 9 } }, /* S8, A3 */
	{ "delete", { (const uint8_t *)"a=\x7f", 3 } },
	{ "bare_cr", { (const uint8_t *)"a=1\r b", 6 } },
	{ "bare_lf", { (const uint8_t *)"a=1\n b", 6 } },
	{ "line_end_without_white_space", { (const uint8_t *)"a=1\r\nb", 6 } },
	{ "line_end_last", { (const uint8_t *)"a=1\r\n", 5 } },
};

static void test_invalid(void **state)
{
	struct dkim_taglist list;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(invalid); i++)
		if (dkim_taglist_parse(invalid[i].text, &list) != DKIM_TAGLIST_INVALID)
			fail_msg("%s", invalid[i].name);
}

static const struct {
	const char *name, *text, *shown;
} valid[] = {
	{ "one", "a=1", "a=1|" },
	{ "separator_last", "a=1;", "a=1|" },
	{ "white_space_behind_last_separator", "a=1; \r\n ", "a=1|" },
	{ "empty_value", "a=;b= ", "a=|b=|" }, /* erratum 5070 */
	{ "white_space_everywhere", " \ta\r\n = \r\n 1 ;\r\n\tb=2 ", "a=1|b=2|" },
	{ "inner_white_space_stays", "a=1 2\r\n 3", "a=1 2\r\n 3|" },
	{ "case_counts", "a=1;A=2", "a=1|A=2|" },
	{ "equals_in_value", "b=abc==", "b=abc==|" },
	{ "underscore_and_digits", "x_1Y=2", "x_1Y=2|" },
	{ "utf8_value", "d=b\xc3\xbc.example", "d=b\xc3\xbc.example|" }, /* RFC 8616 */
};

static void test_valid(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(valid); i++) {
		struct dkim_taglist list;
		char shown[128];
		size_t at = 0;

		assert_int_equal(dkim_taglist_parse(slice_of_str(valid[i].text), &list), DKIM_TAGLIST_OK);
		for (size_t t = 0; t < list.count; t++) {
			assert_non_null(list.tags[t].value.ptr);
			at += (size_t)snprintf(shown + at, sizeof(shown) - at, "%.*s=%.*s|",
			                       SLICE_FMT(list.tags[t].name), SLICE_FMT(list.tags[t].value));
		}
		if (strcmp(shown, valid[i].shown))
			fail_msg("%s: \"%s\"", valid[i].name, shown);
	}
}

/* Of the controls only tabs, and CRLF before white space. */
static bool controls_are_valid_plain(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		bool fold = s.len - i >= 3 && s.ptr[i] == '\r' && s.ptr[i + 1] == '\n' && octet_is_wsp(s.ptr[i + 2]);

		if (fold)
			i += 2;
		else if ((s.ptr[i] < 0x20 && s.ptr[i] != '\t') || s.ptr[i] == 0x7f)
			return false;
	}
	return true;
}

/* Values of all lengths up to some blocks, with folds everywhere, and a control now and then; seeded. */
static void test_controls_at_every_place(void **state)
{
	struct dkim_taglist list;
	uint32_t seed = 1;
	size_t fine = 0;

	(void)state;
	for (size_t round = 0; round < 60000; round++) {
		uint8_t text[210] = "a=x";
		size_t len = 3;

		while (len < 3 + round % 200) {
			seed = seed * 1664525 + 1013904223;
			if (seed >> 28 == 0 && len < 200) {
				memcpy(text + len, seed & 1 << 20 ? "\r\n\t" : "\r\n ", 3);
				len += 3;
			} else {
				text[len++] = seed >> 25 == 8 ? (uint8_t)"\r\n\t\x1f\x7f\x80\0"[(seed >> 8) % 7] : 'x';
			}
		}
		fine += controls_are_valid_plain(slice_of(text, len));
		assert_int_equal(dkim_taglist_parse(slice_of(text, len), &list) == DKIM_TAGLIST_OK,
		                 controls_are_valid_plain(slice_of(text, len)));
	}
	assert_in_range(fine, 10000, 50000);
}

/* What is left out of b= when the field is hashed (RFC 6376 section 3.7): all up to the separator. */
static void test_area(void **state)
{
	struct dkim_taglist list;

	(void)state;
	assert_int_equal(dkim_taglist_parse(SLICE("b = x\r\n y ; bh=z"), &list), DKIM_TAGLIST_OK);
	assert_slice_equal(dkim_taglist_find(&list, SLICE("b"))->area, SLICE(" x\r\n y "));
	assert_slice_equal(dkim_taglist_find(&list, SLICE("bh"))->area, SLICE("z"));
	assert_null(dkim_taglist_find(&list, SLICE("B")));
}

static void test_bound(void **state)
{
	struct dkim_taglist list;
	char text[6 * (DKIM_TAGS_MAX + 1) + 1];

	(void)state;
	for (unsigned i = 0; i <= DKIM_TAGS_MAX; i++)
		snprintf(text + 6 * i, 7, "t%03u=;", i);
	assert_int_equal(dkim_taglist_parse(slice_of(text, 6 * DKIM_TAGS_MAX), &list), DKIM_TAGLIST_OK);
	assert_int_equal(list.count, DKIM_TAGS_MAX);
	assert_int_equal(dkim_taglist_parse(slice_of(text, 6 * (DKIM_TAGS_MAX + 1)), &list), DKIM_TAGLIST_INVALID);
}

static void test_colon_lists(void **state)
{
	static const struct {
		const char *value, *word;
		bool has;
	} cases[] = {
		{ "", "y", false },      { "yy", "y", false },  { "y s", "y", false },      { "a,y", "y", false },
		{ "y", "y", true },      { "Y", "y", true },    { "s : y", "y", true },     { "s:\r\n y ", "y", true },
		{ "sha1:sha256", "sha256", true },              { "sha1:sha256", "sha", false },
		{ ":y", "y", true },     { "y:", "", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (dkim_colon_has(slice_of_str(cases[i].value), slice_of_str(cases[i].word)) != cases[i].has)
			fail_msg("\"%s\" in \"%s\"", cases[i].word, cases[i].value);
}

UNIT_MAIN(cmocka_unit_test(test_invalid), cmocka_unit_test(test_valid),
          cmocka_unit_test(test_controls_at_every_place), cmocka_unit_test(test_area),
          cmocka_unit_test(test_bound), cmocka_unit_test(test_colon_lists))
