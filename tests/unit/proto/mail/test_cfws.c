/*
 * Goal:   comments, folds and quoted strings end where RFC 5322 section 3.2 ends them, and nothing makes them nest
 *         without bound (STANDARDS chapter 8, S13).
 * Method: a table of texts with the number of octets taken, breaches first; each again at every cut.
 */
#include "proto/mail/cfws.h"

#include "unit.h"

#include <stdlib.h>

#define BREACH SIZE_MAX

static const struct vector {
	const char *what, *text;
	size_t taken;
} cfws_vectors[] = {
	{ "open", "(a", BREACH },
	{ "open inside", "(a (b)", BREACH },
	{ "a backslash at the end", "(a\\", BREACH },
	{ "a quoted parenthesis does not close", "(a\\)", BREACH },
	{ "a control", "(a\x01)", BREACH },
	{ "a lone CR", "(a\rb)", BREACH },
	{ "a CRLF that folds nothing", "(a\r\nb)", BREACH },
	{ "17 deep", "(((((((((((((((((a)))))))))))))))))", BREACH },
	{ "nothing", "", 0 },
	{ "no CFWS", "a (b)", 0 },
	{ "white space", " \t a", 3 },
	{ "a fold", "\r\n a", 3 },
	{ "a CRLF at the end is no fold", " \r\n", 1 },
	{ "comments in a row", "(a)(b) (c)d", 10 },
	{ "nested", "(a (b (c)) d)e", 13 },
	{ "quoted-pairs", "(\\(\\)\\\\)a", 8 },
	{ "octets above 127", "(\xc3\xa9)a", 4 },
	{ "16 deep", "((((((((((((((((a))))))))))))))))b", 33 },
	{ "16 deep, twice", "((((((((((((((((a))))))))))))))))((((((((((((((((a))))))))))))))))b", 66 },
}, quoted_vectors[] = {
	{ "not quoted", "a", BREACH },
	{ "nothing", "", BREACH },
	{ "open", "\"a", BREACH },
	{ "a quoted quote does not close", "\"a\\\"", BREACH },
	{ "a control", "\"a\x7f\"", BREACH },
	{ "a lone LF", "\"a\nb\"", BREACH },
	{ "empty", "\"\"a", 2 },
	{ "comments are text", "\"(a\"b", 4 },
	{ "quoted-pairs", "\"\\\"\\\\\"a", 6 },
	{ "folded", "\"a\r\n b\"", 7 },
};

static void check(const struct vector *v, int (*take)(struct cursor *c))
{
	size_t len = strlen(v->text);

	for (size_t cut = 0; cut <= len; cut++) {
		uint8_t *copy = malloc(cut + 1); /* so that a sanitizer sees an over-read */
		struct cursor c = cursor_of(slice_of(copy, cut));
		int result;

		assert_non_null(copy);
		memcpy(copy, v->text, cut);
		result = take(&c);
		assert_true(c.at <= cut && !c.failed);
		if (cut == len && (result == 0 ? c.at : BREACH) != v->taken)
			fail_msg("%s: %d, %zu octets", v->what, result, c.at);
		free(copy);
	}
}

static void test_cfws(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cfws_vectors); i++)
		check(&cfws_vectors[i], cfws_skip);
}

static void test_quoted_string(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(quoted_vectors); i++)
		check(&quoted_vectors[i], cfws_skip_quoted_string);
}

UNIT_MAIN(cmocka_unit_test(test_cfws), cmocka_unit_test(test_quoted_string))
