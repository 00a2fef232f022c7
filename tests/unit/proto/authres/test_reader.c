/*
 * Goal:   what RFC 8601 allows is read as it is meant, what is written in practice beside that is read and said to
 *         deviate, and of the rest nothing is guessed.
 * Method: a table of fields, unreadable ones first, each written out as the items that are read of it; what the writer
 *         of this folder writes comes back; each field is read at every cut, and in arenas of every size.
 */
#include "proto/authres/authres.h"
#include "proto/authres/reader.h"
#include "unit.h"

#include <stdlib.h>

#define NOTHING "unreadable"

/*
 * The items as text: "id version: method/1=result reason<...> ptype.property<...>; ..."; "!" in front: it deviates;
 * "unreadable" where the reading ends so.
 */
static const struct vector {
	const char *what, *field, *items;
} vectors[] = {
	/* The authserv-id is never guessed. */
	{ "empty", "", NOTHING },
	{ "white space", " \r\n\t ", NOTHING },
	{ "no authserv-id", "; spf=pass", NOTHING },
	{ "two words", "a b; none", NOTHING },
	{ "a name in two parts", "mx.(x)example.org; none", NOTHING },
	{ "a mailbox", "a@b.example; none", NOTHING },
	{ "an encoded word", "=?utf-8?q?mx?=; none", NOTHING },
	{ "octets above 127 without quotes (RFC 8616)", "\xc3\xa9.example; none", NOTHING },
	{ "version with a letter", "a 1x; none", NOTHING },
	{ "version of ten digits", "a 1234567890; none", NOTHING },
	{ "quotes left open", "\"a; none", NOTHING },
	{ "a comment left open", "a (b; none", NOTHING },
	{ "a comment closed twice", "a (b)); none", NOTHING },
	{ "17 comments deep (S13)", "a (((((((((((((((((b))))))))))))))))); none", NOTHING },
	{ "a lone CR", "a\r;none", NOTHING },
	{ "a lone LF", "a\n ;none", NOTHING },
	{ "a control in quotes", "\"a\x01\"; none", NOTHING },
	/* Behind it. */
	{ "a result without a method", "a; =pass", "a 1: " NOTHING },
	{ "a method without a result", "a; spf", "a 1: " NOTHING },
	{ "an empty result", "a; spf=; dkim=pass", "a 1: " NOTHING },
	{ "none beside a result", "a; none; spf=pass", "a 1: " NOTHING },
	{ "none behind a result", "a; spf=pass; none", "a 1: spf/1=pass " NOTHING },
	{ "a method version that is none", "a; spf/x=pass", "a 1: " NOTHING },
	{ "a property without a name", "a; spf=pass smtp.=b", "a 1: spf/1=pass " NOTHING },
	{ "a word that is nothing", "a; spf=pass b", "a 1: spf/1=pass " NOTHING },
	{ "a comment left open, far behind", "a; spf=pass (b", "a 1: spf/1=pass " NOTHING },
	{ "a parenthesis closed twice", "a; spf=pass (b) c) smtp.x=y", "a 1: spf/1=pass " NOTHING },
	{ "quotes left open, far behind", "a; spf=pass smtp.x=\"y", "a 1: spf/1=pass " NOTHING },
	{ "a control in a value", "a; spf=pass smtp.x=\x01y", "a 1: spf/1=pass smtp.x<> " NOTHING },
	/* Deviations. */
	{ "Outlook: no authserv-id, action=", "spf=pass (x)\r\n smtp.mailfrom=b;dmarc=pass action=none\r\n header.from=b",
	  "! 1: spf/1=pass smtp.mailfrom<b> dmarc/1=pass header.from<b>" },
	{ "an authserv-id and more", "a.example/mx1; spf=pass", "!a.example/mx1 1: spf/1=pass" },
	{ "no result", "a", "!a 1:" },
	{ "a semicolon too many", "a;; spf=pass;", "!a 1: spf/1=pass" },
	{ "a slash in a value", "a; dkim=pass header.b=gfT/i2HB", "!a 1: dkim/1=pass header.b<gfT/i2HB>" },
	{ "an angle address", "a; spf=pass smtp.mailfrom=<b@c.d>", "!a 1: spf/1=pass smtp.mailfrom<<b@c.d>>" },
	{ "a domain of one label behind @", "a; spf=pass smtp.mailfrom=b@c", "!a 1: spf/1=pass smtp.mailfrom<b@c>" },
	{ "an empty value", "a; spf=pass smtp.mailfrom=; dkim=none", "!a 1: spf/1=pass smtp.mailfrom<> dkim/1=none" },
	{ "a reason that is late", "a; spf=fail smtp.x=y reason=z", "!a 1: spf/1=fail smtp.x<y> reason<z>" },
	{ "an underscore", "a; x_y=pass", "!a 1: x_y/1=pass" },
	/* A version that nobody knows: no results are read. */
	{ "version 2", "a 2; anything (goes", "a 2:" },
	/* The grammar. */
	{ "none (B.2)", "example.org 1; none", "example.org 1: none" },
	{ "without white space", "a;none", "a 1: none" },
	{ "in any case", "A; NoNe", "A 1: none" },
	{ "quoted", "\"a.example\"; none", "a.example 1: none" },
	{ "quoted, with quoted-pairs, folded", "\"a\\.b \r\n\t\\\"c\"; none", "a.b \t\"c 1: none" },
	{ "quoted UTF-8", "\"\xc3\xa9.example\"; none", "\xc3\xa9.example 1: none" },
	{ "comments and folds everywhere (B.7)",
	  " (c)\r\n foo.example (a(b)) 1 (c);\r\n dkim (d) / 1 (e) = (f) fail\r\n policy (g) . (h) expired (i) = (j) 1362",
	  "foo.example 1: dkim/1=fail policy.expired<1362>" },
	{ "16 comments deep", "a ((((((((((((((((b)))))))))))))))); none", "a 1: none" },
	{ "a quoted parenthesis in a comment", "a (b\\)c); none", "a 1: none" },
	{ "several (B.6)",
	  "a;\r\n dkim=pass reason=\"good signature\"\r\n header.i=@b.example;\r\n dkim=fail header.i=c@d.example",
	  "a 1: dkim/1=pass reason<good signature> header.i<@b.example> dkim/1=fail header.i<c@d.example>" },
	{ "unknown methods, results and ptypes", "a; dara=maybe/* */", "a 1: dara/1=maybe " NOTHING },
	{ "unknown ones (C2)", "a; dara=maybe x-y.z=1", "a 1: dara/1=maybe x-y.z<1>" },
	{ "a quoted local-part", "a; auth=pass smtp.auth=\"b c\"@d.example", "a 1: auth/1=pass smtp.auth<b c@d.example>" },
	{ "UTF-8 in an address (RFC 6532)", "a; dkim=pass header.i=\xc3\xa9@\xc3\xa9.example",
	  "a 1: dkim/1=pass header.i<\xc3\xa9@\xc3\xa9.example>" },
	{ "a semicolon and a forged result in quotes", "a; spf=fail smtp.helo=\"x; dmarc=pass\"",
	  "a 1: spf/1=fail smtp.helo<x; dmarc=pass>" },
};

static void put(struct text *text, struct slice s)
{
	text_add(text, s);
}

static void put_item(struct text *text, const struct authres_item *item)
{
	text_octet(text, ' ');
	switch (item->kind) {
	case AUTHRES_RESULT:
		put(text, item->method);
		text_printf(text, "/%u=", (unsigned)item->method_version);
		put(text, item->value);
		return;
	case AUTHRES_PROPERTY:
		put(text, item->ptype);
		text_octet(text, '.');
		put(text, item->property);
		break;
	case AUTHRES_REASON: text_str(text, "reason"); break;
	case AUTHRES_NONE: text_str(text, "none"); return;
	case AUTHRES_END: fail();
	}
	text_octet(text, '<');
	put(text, item->value);
	text_octet(text, '>');
}

/* 0 and the items as text, or -ENOMEM. */
static int read_all(struct slice field, struct arena *reading, struct arena *writing, struct slice *out)
{
	struct authres_reader reader;
	struct authres_item item;
	struct text text;
	int result = authres_read(&reader, field, reading);
	bool deviates;

	TRY(result);
	text_init(&text, writing);
	if (result == 0) {
		put(&text, reader.authserv_id);
		text_printf(&text, " %u:", (unsigned)reader.version);
		while ((result = authres_next(&reader, &item)) == 0 && item.kind != AUTHRES_END)
			put_item(&text, &item);
		TRY(result);
		if (result)
			text_octet(&text, ' ');
	}
	deviates = reader.deviates && result == 0;
	if (result) {
		text_str(&text, NOTHING);
		/* And so it stays. */
		assert_int_equal(authres_next(&reader, &item), AUTHRES_UNREADABLE);
	} else {
		assert_int_equal(authres_next(&reader, &item), 0);
		assert_int_equal(item.kind, AUTHRES_END);
	}
	assert_int_equal(text_finish(&text, out), 0);
	if (deviates) {
		struct slice rest = *out;

		text_init(&text, writing);
		text_octet(&text, '!');
		put(&text, rest);
		assert_int_equal(text_finish(&text, out), 0);
	}
	return 0;
}

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		struct arena arena;
		struct slice items;

		arena_init(&arena, 1 << 20);
		assert_int_equal(read_all(slice_of_str(vectors[i].field), &arena, &arena, &items), 0);
		if (!slice_equal(items, slice_of_str(vectors[i].items)))
			fail_msg("%s: %.*s", vectors[i].what, SLICE_FMT(items));
		arena_deinit(&arena);
	}
}

static void test_line_end_is_no_part(void **state)
{
	struct arena arena;
	struct slice items;

	(void)state;
	arena_init(&arena, 1 << 20);
	assert_int_equal(read_all(SLICE("a; spf=pass smtp.x=y\r\n"), &arena, &arena, &items), 0);
	assert_slice_equal(items, SLICE("a 1: spf/1=pass smtp.x<y>"));
	arena_deinit(&arena);
}

/* Whatever is put in, the writer's field follows the grammar and says what was put in (LESSONS 14). */
static void test_reads_what_is_written(void **state)
{
	static const char *const values[] = { "a", "a b", "a\"b\\c", "x; dmarc=pass", "a(b", "a)b", "b@c.example",
					      "@c.example", "\"b c\"@d.example", "a@b@c", "=", "." };
	struct authres_writer writer;
	struct authres_reader reader;
	struct authres_item item;
	struct arena arena;
	struct slice field;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		struct slice value = slice_of_str(values[i]);

		authres_begin(&writer, &arena, value);
		authres_method(&writer, "spf", "fail");
		authres_reason(&writer, value);
		authres_property(&writer, "smtp.helo", value);
		authres_property_address(&writer, "smtp.mailfrom", value);
		assert_int_equal(authres_finish(&writer, &field), 0);
		assert_int_equal(authres_read(&reader, field, &arena), 0);
		assert_slice_equal(reader.authserv_id, value);
		for (unsigned k = 0; k < 4; k++) {
			static const enum authres_kind kinds[] = { AUTHRES_RESULT, AUTHRES_REASON, AUTHRES_PROPERTY,
								   AUTHRES_PROPERTY };

			assert_int_equal(authres_next(&reader, &item), 0);
			assert_int_equal(item.kind, kinds[k]);
			/* The address form takes the quotes for those of a local-part. */
			if (kinds[k] == AUTHRES_PROPERTY && k == 3 && value.ptr[0] == '"')
				assert_slice_equal(item.value, SLICE("b c@d.example"));
			else
				assert_slice_equal(item.value, k ? value : SLICE("fail"));
		}
		assert_int_equal(authres_next(&reader, &item), 0);
		assert_int_equal(item.kind, AUTHRES_END);
		assert_false(reader.deviates);
	}
	arena_deinit(&arena);
}

/* Each cut in memory of its own, so that a sanitizer sees an over-read. */
static void test_every_cut(void **state)
{
	struct arena arena;
	struct slice items;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		for (size_t cut = 0; cut <= strlen(vectors[i].field); cut++) {
			uint8_t *copy = malloc(cut + 1);

			assert_non_null(copy);
			memcpy(copy, vectors[i].field, cut);
			arena_init(&arena, 1 << 20);
			assert_int_equal(read_all(slice_of(copy, cut), &arena, &arena, &items), 0);
			arena_deinit(&arena);
			free(copy);
		}
	}
}

/* Out of memory, or the same reading; never another one. */
static void test_full_arena(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		int result = -ENOMEM;

		for (size_t bytes = 0; result; bytes += 16) {
			struct arena small, arena;
			struct slice items;

			arena_init(&small, bytes);
			arena_init(&arena, 1 << 20);
			result = read_all(slice_of_str(vectors[i].field), &small, &arena, &items);
			if (result == 0)
				assert_slice_equal(items, slice_of_str(vectors[i].items));
			else
				assert_int_equal(result, -ENOMEM);
			arena_deinit(&small);
			arena_deinit(&arena);
		}
	}
}

UNIT_MAIN(cmocka_unit_test(test_vectors), cmocka_unit_test(test_line_end_is_no_part),
	  cmocka_unit_test(test_reads_what_is_written), cmocka_unit_test(test_every_cut),
	  cmocka_unit_test(test_full_arena))
