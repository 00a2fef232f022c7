/*
 * Goal:   the author domain is what RFC 5322 says and nothing an attacker would rather have; what breaks the grammar is
 *         a finding, never passed over (LESSONS 12). Forms from "Composition Kills" (Chen, Paxson, Jiang 2020) bear its
 *         name as CK; those of STANDARDS 1.2 theirs.
 * Method: headers through mail_parse(); negative ones first; then each allocation fails once, and every cut of a From
 *         value is read without a fault.
 */
#include "proto/mail/address.h"
#include "base/text.h"
#include "unit.h"

static const struct mail_bounds bounds = { .header_octets_max = 1 << 20,
	                                   .fields_max = 1000,
	                                   .field_octets_max = 1 << 20 };

#define OK         MAIL_AUTHOR_OK
#define MISSING    MAIL_AUTHOR_MISSING
#define SEVERAL    MAIL_AUTHOR_SEVERAL_FIELDS
#define MALFORMED  MAIL_AUTHOR_MALFORMED
#define NO_ADDRESS MAIL_AUTHOR_NO_ADDRESS

struct vector {
	const char *name, *header;
	enum mail_author_state state;
	const char *domains; /* joined with a space */
};

static const struct vector vectors[] = {
	/* Fields. */
	{ "no field", "To: a@x.example\r\n", MISSING, "" },
	{ "never Sender or Resent-From (RFC 9989 5.3.1)", "Sender: a@x.example\r\nResent-From: a@x.example\r\n",
	  MISSING, "" },
	{ "two fields (CK A10)", "From: a@x.example\r\nFrom: b@y.example\r\n", SEVERAL, "x.example y.example" },
	{ "two equal fields", "From: a@x.example\r\nfrom: a@x.example\r\n", SEVERAL, "x.example" },
	{ "space before the colon is a From field (CK A11)", "From : a@x.example\r\n", OK, "x.example" },
	{ "and so it is the second one", "From: b@y.example\r\nFrom : a@x.example\r\n", SEVERAL,
	  "y.example x.example" },
	{ "folded before the colon (CK A11)", "From\r\n : a@x.example\r\n", MALFORMED, "x.example" },
	{ "and beside another", "From\r\n : a@x.example\r\nFrom: b@y.example\r\n", SEVERAL, "x.example y.example" },
	{ "space before the name, on top (CK A12)", " From: a@x.example\r\nTo: b@y.example\r\n", MALFORMED,
	  "x.example" },
	{ "and beside another", " From: a@x.example\r\nFrom: b@y.example\r\n", SEVERAL, "x.example y.example" },
	{ "a control in the name", "F\1rom: a@x.example\r\n", MALFORMED, "x.example" },
	{ "another name is another field", "From-Me: a@x.example\r\nXFrom: a@x.example\r\nFro m: a@x.example\r\n"
	                                   "From: b@y.example\r\n", SEVERAL, "x.example y.example" },
	{ "behind a bare LF, in another field (S7, S8)", "Subject: x\nFrom: a@x.example\r\nFrom: b@y.example\r\n",
	  SEVERAL, "x.example y.example" },
	{ "behind a bare CR", "From: b@y.example\r\nSubject: x\rfrom : a@x.example\rTo: c@z.example\r\n", SEVERAL,
	  "y.example x.example" },
	{ "behind a bare LF, and no other", "Subject: x\n\r\n y\nFrom: a@x.example\r\n", MALFORMED, "x.example" },
	{ "a folded line is none", "Subject: a letter\r\n from: a@x.example\n from: a@x.example\r\n\tFrom: x\r\n"
	                           "From: b@y.example\r\n", OK, "y.example" },
	{ "mbox line", "From a@x.example Mon\r\nFrom: b@y.example\r\n", OK, "y.example" },
	/* Values without an author. */
	{ "empty", "From:\r\n", MALFORMED, "" },
	{ "white space", "From: \r\n \r\n", MALFORMED, "" },
	{ "comment only", "From: (a@x.example)\r\n", MALFORMED, "" },
	{ "null address", "From: <>\r\n", MALFORMED, "" },
	{ "phrase only", "From: Bob\r\n", MALFORMED, "" },
	{ "unfinished quoted-string (D15)", "From: \"Bob <a@x.example>\r\n", MALFORMED, "" },
	{ "encoded word is an atom, not an address (CK A16)", "From: =?utf-8?Q?a=40x.example?=\r\n", MALFORMED, "" },
	{ "encoded word in base64", "From: =?utf-8?B?PGFAeC5leGFtcGxlPg==?=\r\n", MALFORMED, "" },
	{ "group without an address (RFC 6854)", "From: Robot:;\r\n", NO_ADDRESS, "" },
	{ "of commas (4.4 obs-group-list)", "From: Robot: , (x) ,;\r\n", NO_ADDRESS, "" },
	/* Which address? */
	{ "bare address in the display name", "From: a@x.example <b@y.example>\r\n", MALFORMED, "x.example" },
	{ "address after the angle (CK: <a@x>b@y)", "From: <a@x.example>b@y.example\r\n", MALFORMED, "x.example" },
	{ "two angles", "From: <a@x.example> <b@y.example>\r\n", MALFORMED, "x.example" },
	{ "nested angles", "From: <<a@x.example>>\r\n", MALFORMED, "" },
	{ "text behind the angle", "From: <a@x.example> Bob\r\n", MALFORMED, "x.example" },
	{ "two at signs", "From: a@x.example@y.example\r\n", MALFORMED, "x.example" },
	{ "open angle", "From: Bob <a@x.example\r\n", MALFORMED, "x.example" },
	{ "close angle only (OpenDMARC 113)", "From: a@x.example>\r\n", MALFORMED, "x.example" },
	{ "route (CK: route address)", "From: <@x.example,@y.example:c@z.example>\r\n", MALFORMED, "" },
	{ "route without at", "From: <x.example:c@z.example>\r\n", MALFORMED, "" },
	{ "semicolon list", "From: a@x.example; b@y.example\r\n", MALFORMED, "x.example" },
	{ "space list", "From: a@x.example b@y.example\r\n", MALFORMED, "x.example" },
	{ "group in a group", "From: A: B: a@x.example;;\r\n", MALFORMED, "" },
	{ "open group", "From: A: a@x.example\r\n", MALFORMED, "x.example" },
	{ "group name with at", "From: a@x.example: b@y.example;\r\n", MALFORMED, "x.example" },
	{ "commas only", "From: , ,\r\n", MALFORMED, "" },
	/* Local parts and domains. */
	{ "no local-part", "From: @x.example\r\n", MALFORMED, "" },
	{ "dots in a row", "From: a..b@x.example\r\n", MALFORMED, "" },
	{ "dot last", "From: a.@x.example\r\n", MALFORMED, "" },
	{ "two words", "From: a b@x.example\r\n", MALFORMED, "" },
	{ "quoted-pair outside quotes (CK: quoted-pair)", "From: a\\@x.example@y.example\r\n", MALFORMED, "" },
	{ "no domain", "From: a@\r\n", MALFORMED, "" },
	{ "domain-literal", "From: a@[192.0.2.1]\r\n", MALFORMED, "" },
	{ "empty label", "From: a@x..example\r\n", MALFORMED, "" },
	{ "final dot", "From: a@x.example.\r\n", MALFORMED, "" },
	{ "quote in the domain (CK A5)", "From: a@x.example'\r\n", MALFORMED, "" },
	{ "space inside the domain", "From: a@x. example\r\n", MALFORMED, "" },
	{ "comment inside the domain", "From: a@x(.y).example\r\n", MALFORMED, "x" },
	{ "label too long", "From: a@xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.example\r\n",
	  MALFORMED, "" },
	/* Octets. */
	{ "control", "From: Bob\1 <a@x.example>\r\n", MALFORMED, "" },
	{ "control in quotes", "From: \"B\x7f\" <a@x.example>\r\n", MALFORMED, "" },
	{ "bare LF", "From: Bob\n <a@x.example>\r\n", MALFORMED, "" },
	{ "bare CR", "From: Bob\r <a@x.example>\r\n", MALFORMED, "" },
	{ "Latin-1, no UTF-8 (RFC 6532)", "From: J\xf6rg <a@x.example>\r\n", MALFORMED, "x.example" },
	{ "overlong", "From: \xc0\xafz <a@x.example>\r\n", MALFORMED, "x.example" },
	{ "surrogate", "From: \xed\xa0\x80 <a@x.example>\r\n", MALFORMED, "x.example" },
	{ "17 comments deep", "From: (((((((((((((((((x))))))))))))))))) a@x.example\r\n", MALFORMED, "" },
	{ "open comment", "From: a@x.example (x\r\n", MALFORMED, "x.example" },
	{ "closed comment only", "From: a@x.example )\r\n", MALFORMED, "x.example" },
	/* Well-formed. */
	{ "addr-spec", "From: a@x.example\r\n", OK, "x.example" },
	{ "case of name and domain", "FROM: a@X.ExAmple\r\n", OK, "x.example" },
	{ "name-addr", "From: Bob <a@x.example>\r\n", OK, "x.example" },
	{ "no space", "From:Bob<a@x.example>\r\n", OK, "x.example" },
	{ "folded", "From: Bob\r\n\t<a@x.example>\r\n \r\n", OK, "x.example" },
	{ "folded after the colon", "From:\r\n a@x.example\r\n", OK, "x.example" },
	{ "space around the at", "From: a @ x.example\r\n", OK, "x.example" },
	{ "space in the angle", "From: < a@x.example > \r\n", OK, "x.example" },
	{ "dots in the name (obs-phrase)", "From: Bob J. Q. <a@x.example>\r\n", OK, "x.example" },
	{ "address in a quoted name is a name", "From: \"b@y.example\" <a@x.example>\r\n", OK, "x.example" },
	{ "quotes in quotes (OpenDMARC 345)", "From: \"\\\"Medtronic, Inc.\\\"\" <a@x.example>\r\n", OK, "x.example" },
	{ "encoded words", "From: =?utf-8?Q?J=C3=B6rg?= =?utf-8?B?YWI=?= <a@x.example>\r\n", OK, "x.example" },
	{ "encoded word that looks like an address", "From: =?utf-8?Q?b=40y.example?= <a@x.example>\r\n", OK,
	  "x.example" },
	{ "quoted local-part with an at", "From: \"b@y.example\"@x.example\r\n", OK, "x.example" },
	{ "quoted part (obs-local-part)", "From: a.\"b c\".d@x.example\r\n", OK, "x.example" },
	{ "comments", "From: (b@y.example) a (c\\)) @ (d (e)) x.example (f)\r\n", OK, "x.example" },
	{ "comment with an angle", "From: Bob (<b@y.example>) <a@x.example>\r\n", OK, "x.example" },
	{ "comment behind the domain (CK A4)", "From: a@x.example(.y.example)\r\n", OK, "x.example" },
	{ "16 comments deep", "From: ((((((((((((((((x)))))))))))))))) a@x.example\r\n", OK, "x.example" },
	{ "atext", "From: !#$%&'*+-/=?^_`{|}~@x.example\r\n", OK, "x.example" },
	{ "UTF-8 name", "From: J\xc3\xb6rg \xf0\x9f\x98\x80 <a@x.example>\r\n", OK, "x.example" },
	{ "U-label (RFC 9989 5.3.1)", "From: \xc3\xa9@b\xc3\xbc" "cher.example\r\n", OK, "xn--bcher-kva.example" },
	{ "U-label and its A-label are one", "From: a@b\xc3\xbc" "cher.example, b@XN--BCHER-KVA.example\r\n", OK,
	  "xn--bcher-kva.example" },
	{ "underscore", "From: a@_x.example\r\n", OK, "_x.example" },
	{ "several in one domain", "From: a@x.example, Bob <b@X.example>\r\n", OK, "x.example" },
	{ "several domains (CK: several addresses)", "From: a@x.example, Bob <b@y.example>\r\n", OK,
	  "x.example y.example" },
	{ "null members (4.4)", "From: ,, a@x.example, ,\r\n", OK, "x.example" },
	{ "group", "From: The \"two\" of us: a@x.example, Bob <b@y.example>;\r\n", OK, "x.example y.example" },
	{ "groups and mailboxes", "From: A:;, a@x.example, B: b@y.example;\r\n", OK, "x.example y.example" },
	{ "no line end", "From: a@x.example", OK, "x.example" },
};

static const char *joined(const struct mail_author *author)
{
	static char text[1024];
	size_t len = 0;

	text[0] = 0;
	for (size_t i = 0; i < author->domains_count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.*s", i ? " " : "",
		                        SLICE_FMT(author->domains[i]));
	return text;
}

static int read_author(struct slice header, struct arena *arena, struct mail_author *author)
{
	struct mail_message message;

	TRY(mail_parse(header, &bounds, arena, &message));
	return mail_author(&message, arena, author);
}

static void test_vectors(void **state)
{
	struct arena arena;
	struct mail_author author;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		const struct vector *v = &vectors[i];

		arena_reset(&arena);
		assert_int_equal(read_author(slice_of_str(v->header), &arena, &author), 0);
		if (author.state != v->state || strcmp(joined(&author), v->domains))
			fail_msg("%s: state %d (want %d): %s", v->name, author.state, v->state, joined(&author));
		assert_false(author.domains_more);
	}
	arena_deinit(&arena);
}

static void test_nul_is_malformed(void **state)
{
	struct arena arena;
	struct mail_author author;

	(void)state;
	arena_init(&arena, 1 << 16);
	assert_int_equal(read_author(SLICE("From: a@x.example\0.y.example\r\n"), &arena, &author), 0);
	assert_int_equal(author.state, MALFORMED);
	assert_int_equal(read_author(SLICE("From: a@x.example\r\nFrom\0: b@y.example\r\n"), &arena, &author), 0);
	assert_int_equal(author.state, SEVERAL);
	arena_deinit(&arena);
}

/* OpenDKIM 143: 3,600 addresses are read; what is above the bounds is said, not dropped. */
static void test_many_addresses(void **state)
{
	static char header[200000];
	struct arena arena;
	struct mail_author author;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (unsigned count = MAIL_AUTHOR_ADDRESSES_MAX; count <= MAIL_AUTHOR_ADDRESSES_MAX + 1; count++) {
		size_t len = (size_t)sprintf(header, "From: ");

		for (unsigned i = 0; i < count; i++)
			len += (size_t)sprintf(header + len, "a%u@x.example,", i);
		arena_reset(&arena);
		assert_int_equal(read_author(slice_of(header, len), &arena, &author), 0);
		assert_int_equal(author.state, OK);
		assert_int_equal(author.domains_count, 1);
		assert_int_equal(author.domains_more, count > MAIL_AUTHOR_ADDRESSES_MAX);
	}
	arena_reset(&arena);
	assert_int_equal(read_author(SLICE("From: a@a, a@b, a@c, a@d, a@e\r\n"), &arena, &author), 0);
	assert_string_equal(joined(&author), "a b c d");
	assert_true(author.domains_more);
	arena_deinit(&arena);
}

/* Each cut ends a production early; each allocation fails once: no fault, and no other author than the whole one's. */
static void test_cuts_and_full_arenas(void **state)
{
	struct mail_author author;
	struct arena arena;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		struct slice header = slice_of_str(vectors[i].header);

		for (size_t len = 0; len < header.len; len++) {
			arena_init(&arena, 1 << 16);
			assert_int_equal(read_author(slice_sub(header, 0, len), &arena, &author), 0);
			arena_deinit(&arena);
		}
		for (size_t bytes = 0; bytes < 8192; bytes += 16) {
			int result;

			arena_init(&arena, bytes);
			result = read_author(header, &arena, &author);
			assert_true(result == 0 || result == -ENOMEM);
			if (result == 0) {
				assert_int_equal(author.state, vectors[i].state);
				assert_string_equal(joined(&author), vectors[i].domains);
			}
			arena_deinit(&arena);
		}
	}
}

/* Conversions of U-labels are dear, and a header has room for thousands: those beyond the bound are not made. */
static void test_many_u_labels(void **state)
{
	(void)state;
	for (unsigned count = MAIL_AUTHOR_U_LABELS_MAX; count <= MAIL_AUTHOR_U_LABELS_MAX + 1; count++) {
		struct mail_author author;
		struct slice header;
		struct arena arena;
		struct text text;

		arena_init(&arena, 1 << 20);
		text_init(&text, &arena);
		text_str(&text, "From: a@ascii.example");
		for (unsigned i = 0; i < count; i++)
			text_printf(&text, ",a@b\xc3\xbc" "cher.example");
		text_str(&text, ", b@behind.example\r\n");
		assert_int_equal(text_finish(&text, &header), 0);
		assert_int_equal(read_author(header, &arena, &author), 0);
		assert_int_equal(author.state, MAIL_AUTHOR_OK);
		assert_int_equal(author.domains_more, count > MAIL_AUTHOR_U_LABELS_MAX);
		assert_int_equal(author.domains_count, count > MAIL_AUTHOR_U_LABELS_MAX ? 2 : 3);
		arena_deinit(&arena);
	}
}

/* So are From fields: what two of them say is enough. */
static void test_many_fields(void **state)
{
	(void)state;
	for (unsigned count = MAIL_AUTHOR_FIELDS_MAX; count <= MAIL_AUTHOR_FIELDS_MAX + 1; count++) {
		struct mail_author author;
		struct slice header;
		struct arena arena;
		struct text text;

		arena_init(&arena, 1 << 20);
		text_init(&text, &arena);
		text_str(&text, "X: y");
		for (unsigned i = 1; i < count; i++)
			text_str(&text, "\rFrom: a@x.example");
		text_str(&text, "\r\nFrom: b@y.example\r\n");
		assert_int_equal(text_finish(&text, &header), 0);
		assert_int_equal(read_author(header, &arena, &author), 0);
		assert_int_equal(author.state, MAIL_AUTHOR_SEVERAL_FIELDS);
		assert_int_equal(author.domains_more, count > MAIL_AUTHOR_FIELDS_MAX);
		assert_int_equal(author.domains_count, count > MAIL_AUTHOR_FIELDS_MAX ? 1 : 2);
		arena_deinit(&arena);
	}
}

static void test_path_split(void **state)
{
	static const struct {
		const char *path, *local, *domain; /* local NULL: invalid */
	} paths[] = {
		{ "", NULL, NULL },
		{ "x.example", NULL, NULL },
		{ "@x.example", NULL, NULL },
		{ "a@", NULL, NULL },
		{ "<a@x.example>", NULL, NULL },
		{ "@a,@b:c@x.example", NULL, NULL }, /* source route */
		{ "a@[192.0.2.1]", NULL, NULL },
		{ "(any@x.example", NULL, NULL }, /* CK A2 */
		{ "a@x.example(.y", NULL, NULL },
		{ "a@y.example@x.example", NULL, NULL },
		{ "a b@x.example", NULL, NULL },
		{ "a..b@x.example", NULL, NULL },
		{ ".a@x.example", NULL, NULL },
		{ "a\\@b@x.example", NULL, NULL },
		{ "\"a@x.example", NULL, NULL },
		{ "\"a\"b@x.example", NULL, NULL },
		{ "\"a\"b\"@x.example", NULL, NULL },
		{ "\"a\\\"@x.example", NULL, NULL },
		{ "\"a\r\n b\"@x.example", NULL, NULL },
		{ "a@x.example.", NULL, NULL },
		{ "a@x..example", NULL, NULL },
		{ "a@x example", NULL, NULL },
		{ "a@x.example\r\nRCPT", NULL, NULL },
		{ "\xff@x.example", NULL, NULL },
		{ "a@x.example", "a", "x.example" },
		{ "a@localhost", "a", "localhost" },
		{ "a'@x.example", "a'", "x.example" },
		{ "a.b+c=d@X.example", "a.b+c=d", "X.example" },
		{ "\"\"@x.example", "\"\"", "x.example" },
		{ "\"a@y.example\"@x.example", "\"a@y.example\"", "x.example" },
		{ "\"a\\\" \\\\b\"@x.example", "\"a\\\" \\\\b\"", "x.example" },
		{ "\xc3\xa9@b\xc3\xbc" "cher.example", "\xc3\xa9", "b\xc3\xbc" "cher.example" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		struct slice local, domain;
		int result = mail_path_split(slice_of_str(paths[i].path), &local, &domain);

		if (result != (paths[i].local ? 0 : MAIL_PATH_INVALID))
			fail_msg("%s: %d", paths[i].path, result);
		if (result)
			continue;
		assert_slice_equal(local, slice_of_str(paths[i].local));
		assert_slice_equal(domain, slice_of_str(paths[i].domain));
	}
	assert_int_equal(mail_path_split(SLICE("a\0b@x.example"), &(struct slice){ 0 }, &(struct slice){ 0 }),
	                 MAIL_PATH_INVALID);
	assert_int_equal(mail_path_split(SLICE("a@x\0.example"), &(struct slice){ 0 }, &(struct slice){ 0 }),
	                 MAIL_PATH_INVALID);
}

UNIT_MAIN(cmocka_unit_test(test_vectors), cmocka_unit_test(test_nul_is_malformed),
          cmocka_unit_test(test_many_addresses), cmocka_unit_test(test_many_u_labels),
          cmocka_unit_test(test_many_fields), cmocka_unit_test(test_cuts_and_full_arenas),
          cmocka_unit_test(test_path_split))
