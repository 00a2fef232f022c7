/*
 * Goal:   no field that anybody could take for ours stays in a message (RFC 8601 section 5, STANDARDS 5.3), and those
 *         of others stay; positions are such that removing them in order removes exactly them (LESSONS 13).
 * Method: a table of fields with the answer, the forged ones first; a message with eight forged ones among others, from
 *         which a simulated milter removes what is named.
 */
#include "proto/authres/own.h"

#include "unit.h"

#include <stdlib.h>

static const struct slice others[] = { { (const uint8_t *)"old.example.net", 15 },
				       { (const uint8_t *)".farm.example.net", 17 },
				       { (const uint8_t *)"Acme Mail", 9 } };
static const struct authres_own own = {
	.id = { (const uint8_t *)"mx.example.org", 14 },
	.ids = others,
	.ids_count = COUNT_OF(others),
};
static const struct authres_own own_idn = { .id = { (const uint8_t *)"b\xc3\xbc" "cher.example", 15 } };

static const struct vector {
	const char *what, *field;
	bool own;
} vectors[] = {
	{ "plain", "mx.example.org; spf=pass", true },
	{ "in another case", "MX.Example.ORG; spf=pass", true },
	{ "quoted", "\"mx.example.org\"; spf=pass", true },
	{ "quoted, with quoted-pairs", "\"mx\\.example\\.org\"; spf=pass", true },
	{ "quoted, folded", "\"\r\n mx.example.org \"; spf=pass", true },
	{ "commented", "(a; other.example) mx.example.org (b); spf=pass", true },
	{ "folded", "\r\n\tmx.example.org\r\n\t; spf=pass", true },
	{ "with a version", "mx.example.org 1; spf=pass", true },
	{ "with a version inside the quotes", "\"mx.example.org 1\"; spf=pass", true },
	{ "with something behind a slash", "mx.example.org/2; spf=pass", true },
	{ "with more inside the quotes", "\"mx.example.org; dmarc=pass\"; spf=pass", true },
	{ "with a final dot", "mx.example.org.; spf=pass", true },
	{ "with wide letters (UTS 46)", "\"\xef\xbd\x8d\xef\xbd\x98.example.org\"; spf=pass", true },
	{ "without a result", "mx.example.org", true },
	{ "none", "mx.example.org; none", true },
	{ "one of the others", "old.example.net; spf=pass", true },
	{ "below one of the others", "a.b.farm.example.net; spf=pass", true },
	{ "an id that is no name", "\"acme mail\"; spf=pass", true },
	/* Not for certain another's. */
	{ "empty", "", true },
	{ "no authserv-id", "spf=pass smtp.mailfrom=b.example", true },
	{ "two words", "other.example mx.example.org; spf=pass", true },
	{ "a comment left open", "other.example (mx.example.org; spf=pass", true },
	{ "comments too deep", "other.example ((((((((((((((((((a)))))))))))))))))); spf=pass", true },
	{ "a fault far behind", "other.example; spf=pass; dkim", true },
	{ "octets that are no name", "\"\xff\xfe.example\"; spf=pass", true },
	{ "octets without quotes", "\xc3\xa9.example; spf=pass", true },
	{ "an unknown version", "other.example 2; spf=pass", true },
	{ "an encoded word", "=?us-ascii?q?mx.example.org?=; spf=pass", true },
	/* Others'. */
	{ "another", "other.example; spf=pass", false },
	{ "a name below", "a.mx.example.org; spf=pass", false },
	{ "a name above", "example.org; spf=pass", false },
	{ "one that ends like it", "amx.example.org; spf=pass", false },
	{ "one that begins like it", "mx.example.org.evil.example; spf=pass", false },
	{ "the name that a dot stands below", "farm.example.net; spf=pass", false },
	{ "one that ends like that", "afarm.example.net; spf=pass", false },
	{ "ours in a comment", "other.example (mx.example.org); spf=pass", false },
	{ "ours in a value", "other.example; spf=pass smtp.helo=mx.example.org", false },
	{ "another in UTF-8", "\"b\xc3\xbc" "cher.example\"; spf=pass", false },
	{ "a deviation", "other.example; dkim=pass header.b=a/b;", false },
	{ "another id that is no name", "\"acme mail 2\"; spf=pass", false },
};

/* The three ways to write one name (STANDARDS 5.3; RFC 8601 section 5: A-labels and U-labels are the same). */
static const struct vector idn_vectors[] = {
	{ "as A-labels", "xn--bcher-kva.example; spf=pass", true },
	{ "as A-labels in capitals", "XN--BCHER-KVA.EXAMPLE; spf=pass", true },
	{ "as U-labels", "\"b\xc3\xbc" "cher.example\"; spf=pass", true },
	{ "as U-labels in capitals", "\"B\xc3\x9c" "CHER.example\"; spf=pass", true },
	{ "decomposed", "\"bu\xcc\x88" "cher.example\"; spf=pass", true },
	{ "another", "bucher.example; spf=pass", false },
};

static void check(const struct vector *v, const struct authres_own *ours, struct arena *arena)
{
	bool is_own = !v->own;

	assert_int_equal(authres_is_own(slice_of_str(v->field), ours, arena, &is_own), 0);
	if (is_own != v->own)
		fail_msg("%s: %s", v->what, is_own ? "own" : "another's");
}

static void test_vectors(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < COUNT_OF(vectors); i++)
		check(&vectors[i], &own, &arena);
	for (size_t i = 0; i < COUNT_OF(idn_vectors); i++)
		check(&idn_vectors[i], &own_idn, &arena);
	arena_deinit(&arena);
}

/* Without any id of ours only what cannot be read goes. */
static void test_no_id(void **state)
{
	static const struct authres_own nobody = { .id = { NULL, 0 } };
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	check(&(struct vector){ "nobody's", "mx.example.org; none", false }, &nobody, &arena);
	check(&(struct vector){ "unreadable", "mx.example.org none", true }, &nobody, &arena);
	arena_deinit(&arena);
}

#define AR "Authentication-Results: "

/* LESSONS 13: eight forged fields; one removal must not save the next. */
#define MESSAGE                                                                                                        \
	AR "mx.example.org; dmarc=pass\r\n"                                                                            \
	   "Received: from a\r\n"                                                                                      \
	AR "other.example; dmarc=fail\r\n"                                                                             \
	AR "\"mx.example.org\"; dmarc=pass\r\n"                                                                        \
	   "authentication-results: MX.EXAMPLE.ORG; dmarc=pass\r\n"                                                    \
	   "From: a@b.example\r\n"                                                                                     \
	AR "(x) mx.example.org/1; dmarc=pass\r\n"                                                                      \
	   "X-Authentication-Results: mx.example.org; dmarc=pass\r\n"                                                  \
	   "Authentication-Results : mx.example.org 1; dmarc=pass\r\n"                                                 \
	AR "third.example; none\r\n"                                                                                   \
	AR "\r\n\tmx.example.org\r\n\t; dmarc=pass\r\n"                                                               \
	AR "mx.example.org (; dmarc=pass\r\n"                                                                          \
	AR "mx.example.org; dmarc=pass\r\n"                                                                            \
	   "\r\n"                                                                                                      \
	AR "mx.example.org; in the body\r\n"

static int positions_of(struct slice message, struct arena *arena, struct authres_positions *out)
{
	static const struct mail_bounds bounds = { 65536, 100, 65536 };
	struct mail_message parsed;

	TRY(mail_parse(message, &bounds, arena, &parsed));
	return authres_own_fields(&parsed, &own, arena, out);
}

static void test_eight_forged_fields(void **state)
{
	static const uint32_t expected[] = { 10, 9, 8, 6, 5, 4, 3, 1 };
	struct authres_positions positions;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	assert_int_equal(positions_of(SLICE(MESSAGE), &arena, &positions), 0);
	assert_int_equal(positions.count, COUNT_OF(expected));
	for (size_t i = 0; i < COUNT_OF(expected); i++)
		assert_int_equal(positions.at[i], expected[i]);
	arena_deinit(&arena);
}

/* As a milter does: one after another, each time counting anew what is still there. */
static size_t remove_field(char *text, size_t len, uint32_t position)
{
	static const struct mail_bounds bounds = { 65536, 100, 65536 };
	struct mail_message message;
	const struct mail_field *field = NULL;
	struct arena arena;
	size_t start, size;

	arena_init(&arena, 1 << 20);
	assert_int_equal(mail_parse(slice_of(text, len), &bounds, &arena, &message), MAIL_OK);
	field = mail_field_top(&message, MAIL_NAME_AUTHENTICATION_RESULTS);
	for (; position > 1; position--)
		field = mail_field_below(&message, field);
	assert_non_null(field);
	start = (size_t)(field->raw.ptr - (const uint8_t *)text);
	size = field->raw.len;
	memmove(text + start, text + start + size, len - start - size);
	arena_deinit(&arena);
	return len - size;
}

static void test_removal_in_order(void **state)
{
	char text[] = MESSAGE;
	size_t len = sizeof(text) - 1;
	struct authres_positions positions;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	assert_int_equal(positions_of(SLICE(MESSAGE), &arena, &positions), 0);
	for (size_t i = 0; i < positions.count; i++)
		len = remove_field(text, len, positions.at[i]);
	assert_slice_equal(slice_of(text, len),
			   SLICE("Received: from a\r\n" AR "other.example; dmarc=fail\r\n"
				 "From: a@b.example\r\nX-Authentication-Results: mx.example.org; dmarc=pass\r\n"
				 AR "third.example; none\r\n\r\n" AR "mx.example.org; in the body\r\n"));
	arena_deinit(&arena);
}

static void test_full_arena(void **state)
{
	struct authres_positions positions;
	int result = -ENOMEM;

	(void)state;
	for (size_t bytes = 0; result; bytes += 16) {
		struct arena arena;

		arena_init(&arena, bytes);
		result = positions_of(SLICE(MESSAGE), &arena, &positions);
		if (result == 0)
			assert_int_equal(positions.count, 8);
		else
			assert_int_equal(result, -ENOMEM);
		arena_deinit(&arena);
	}
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		result = -ENOMEM;
		for (size_t bytes = 0; result; bytes += 16) {
			struct arena arena;
			bool is_own;

			arena_init(&arena, bytes);
			result = authres_is_own(slice_of_str(vectors[i].field), &own, &arena, &is_own);
			if (result == 0)
				assert_int_equal(is_own, vectors[i].own);
			else
				assert_int_equal(result, -ENOMEM);
			arena_deinit(&arena);
		}
	}
}

UNIT_MAIN(cmocka_unit_test(test_vectors), cmocka_unit_test(test_no_id), cmocka_unit_test(test_eight_forged_fields),
	  cmocka_unit_test(test_removal_in_order), cmocka_unit_test(test_full_arena))
