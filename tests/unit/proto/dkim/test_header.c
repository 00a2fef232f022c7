/*
 * Goal:   the header octets that are hashed are RFC 6376's: 3.4.1, 3.4.2, 3.5 (b=), 5.4.2 (instances from the bottom).
 * Method: small messages with the whole hash input written out, for both canonicalizations. The signature to be
 *         checked is the field with s=own.
 */
#include "proto/dkim/header.h"

#include "unit.h"

#include <stdio.h>

static const struct mail_bounds wide = {
	.header_octets_max = 1 << 20, .fields_max = 5000, .field_octets_max = 1 << 20
};

#define TAGS "v=1;a=rsa-sha256;d=e.x;s=own;bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;"
#define OTHER "v=1;a=rsa-sha256;d=e.x;s=other;bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;h=from;b=AAAA"

static const struct {
	const char *name, *in, *want;
} vectors[] = {
	/* 5.4.2 */
	{ "absent_field_is_nothing", "From: 1\r\nDKIM-Signature:" TAGS "h=to:from;b=AAAA\r\n\r\n",
	  "From: 1\r\nDKIM-Signature:" TAGS "h=to:from;b=" },
	{ "from_the_bottom", "From: 1\r\nFrom: 2\r\nFrom: 3\r\nDKIM-Signature:" TAGS "h=from:from;b=AAAA\r\n\r\n",
	  "From: 3\r\nFrom: 2\r\nDKIM-Signature:" TAGS "h=from:from;b=" },
	{ "more_often_than_there", "From: 1\r\nFrom: 2\r\nDKIM-Signature:" TAGS "h=from:from:from:x;b=AAAA\r\n\r\n",
	  "From: 2\r\nFrom: 1\r\nDKIM-Signature:" TAGS "h=from:from:from:x;b=" },
	{ "order_of_h", "A: 1\r\nFrom: 2\r\nB: 3\r\nDKIM-Signature:" TAGS "h=b:from:a;b=AAAA\r\n\r\n",
	  "B: 3\r\nFrom: 2\r\nA: 1\r\nDKIM-Signature:" TAGS "h=b:from:a;b=" },
	{ "case_does_not_count", "fROM: 1\r\nDKIM-Signature:" TAGS "h= From ;b=AAAA\r\n\r\n",
	  "fROM: 1\r\nDKIM-Signature:" TAGS "h= From ;b=" },
	{ "space_before_colon", "From : 1\r\nDKIM-Signature:" TAGS "h=from;b=AAAA\r\n\r\n",
	  "From : 1\r\nDKIM-Signature:" TAGS "h=from;b=" },
	{ "malformed_lines_are_no_fields",
	  "From\r\n: 0\r\nFrom: 1\r\nFrom\r\nDKIM-Signature:" TAGS "h=from:from;b=AAAA\r\n\r\n",
	  "From: 1\r\nDKIM-Signature:" TAGS "h=from:from;b=" },
	/* 3.5: other signatures are fields like any, with their b=; the own one is none of them. */
	{ "other_signature_whole",
	  "DKIM-Signature:" TAGS "h=from:dkim-signature;b=AAAA\r\nDKIM-Signature:" OTHER "\r\nFrom: 1\r\n\r\n",
	  "From: 1\r\nDKIM-Signature:" OTHER "\r\nDKIM-Signature:" TAGS "h=from:dkim-signature;b=" },
	{ "own_signature_not_named",
	  "DKIM-Signature:" TAGS "h=from:dkim-signature:dkim-signature;b=AAAA\r\nFrom: 1\r\n\r\n",
	  "From: 1\r\nDKIM-Signature:" TAGS "h=from:dkim-signature:dkim-signature;b=" },
	{ "own_below_the_other",
	  "DKIM-Signature:" OTHER "\r\nDKIM-Signature:" TAGS "h=from:dkim-signature;b=AAAA\r\nFrom: 1\r\n\r\n",
	  "From: 1\r\nDKIM-Signature:" OTHER "\r\nDKIM-Signature:" TAGS "h=from:dkim-signature;b=" },
	/* 3.7: the value of b= and the white space around it go; bh= and everything else stay. */
	{ "b_first", "From: 1\r\nDKIM-Signature: b = AA\r\n AA ; " TAGS "h=from\r\n\r\n",
	  "From: 1\r\nDKIM-Signature: b =; " TAGS "h=from" },
	{ "b_last_with_separator", "From: 1\r\nDKIM-Signature: " TAGS "h=from;\r\n\tb=AAAA ;\r\n \r\n\r\n",
	  "From: 1\r\nDKIM-Signature: " TAGS "h=from;\r\n\tb=;\r\n " },
	{ "name_as_written", "From: 1\r\ndkim-SIGNATURE :" TAGS "h=from;b=AAAA\r\n\r\n",
	  "From: 1\r\ndkim-SIGNATURE :" TAGS "h=from;b=" },
	{ "folding_as_written", "From:\t1\r\n  2 \r\nDKIM-Signature:" TAGS "\r\n h=from;b=AAAA\r\n\r\n",
	  "From:\t1\r\n  2 \r\nDKIM-Signature:" TAGS "\r\n h=from;b=" },
	{ "last_field_without_line_end", "DKIM-Signature:" TAGS "h=from;b=AAAA\r\nFrom: 1",
	  "From: 1\r\nDKIM-Signature:" TAGS "h=from;b=" },
	/* 3.4.2 */
	{ "relaxed_names", "FroM \t:1\r\nDKIM-Signature:c=relaxed;" TAGS "h=from;b=AAAA\r\n\r\n",
	  "from:1\r\ndkim-signature:c=relaxed;" TAGS "h=from;b=" },
	{ "relaxed_values", "From: \t a \t b\r\n\t c \r\nDKIM-Signature:c=relaxed;" TAGS "h=from;b=AAAA\r\n\r\n",
	  "from:a b c\r\ndkim-signature:c=relaxed;" TAGS "h=from;b=" },
	{ "relaxed_empty_values", "From:\r\nTo: \r\n \r\nDKIM-Signature:c=relaxed;" TAGS "h=from:to;b=AAAA\r\n\r\n",
	  "from:\r\nto:\r\ndkim-signature:c=relaxed;" TAGS "h=from:to;b=" },
	{ "relaxed_own_field",
	  "From:1\r\nDKIM-Signature: c=relaxed;\r\n\t" TAGS "\r\n h=from;  b=A\r\n AAA ;  x=9\r\n\r\n",
	  "from:1\r\ndkim-signature:c=relaxed; " TAGS " h=from; b=; x=9" },
	{ "relaxed_space_at_end_of_own_field", "From:1\r\nDKIM-Signature: c=relaxed;" TAGS "h=from;b=AAAA; \r\n\r\n",
	  "from:1\r\ndkim-signature:c=relaxed;" TAGS "h=from;b=;" },
	{ "relaxed_bare_line_ends_stay", "From: a\rb\n c\r\nDKIM-Signature:c=relaxed;" TAGS "h=from;b=AAAA\r\n\r\n",
	  "from:a\rb\n c\r\ndkim-signature:c=relaxed;" TAGS "h=from;b=" },
	{ "relaxed_last_field_without_line_end", "DKIM-Signature:c=relaxed;" TAGS "h=from;b=AAAA\r\nFrom: 1 ",
	  "from:1\r\ndkim-signature:c=relaxed;" TAGS "h=from;b=" },
	/* RFC 6376 section 3.4.5, example 1. */
	{ "rfc6376_3_4_5_relaxed",
	  "A: X\r\nB : Y\t\r\n\tZ  \r\nDKIM-Signature:c=relaxed;" TAGS "h=a:b:from;b=AAAA\r\n\r\n",
	  "a:X\r\nb:Y Z\r\ndkim-signature:c=relaxed;" TAGS "h=a:b:from;b=" },
	{ "rfc6376_3_4_5_simple", "A: X\r\nB : Y\t\r\n\tZ  \r\nDKIM-Signature:" TAGS "h=a:b:from;b=AAAA\r\n\r\n",
	  "A: X\r\nB : Y\t\r\n\tZ  \r\nDKIM-Signature:" TAGS "h=a:b:from;b=" },
};

/* Parses the message and the signature with s=own in it. 0 or -ENOMEM. */
static int read_message(struct slice in, struct arena *arena, struct mail_message *message,
                        const struct mail_field **own, struct dkim_signature *signature)
{
	TRY(mail_parse(in, &wide, arena, message));
	for (*own = mail_field_top(message, MAIL_NAME_DKIM_SIGNATURE); *own; *own = mail_field_below(message, *own)) {
		TRY(dkim_signature_parse(*own, DKIM_FORM_SIGNATURE, arena, signature));
		if (slice_equal(signature->selector, SLICE("own")))
			return 0;
	}
	fail_msg("no signature");
	return 0;
}

static int signed_octets(struct slice in, struct arena *arena, struct slice *out)
{
	struct dkim_signature signature;
	struct mail_message message;
	const struct mail_field *own;
	struct dkim_header header;
	const struct slice *parts;
	struct text text;
	size_t count;

	TRY(read_message(in, arena, &message, &own, &signature));
	dkim_header_init(&header, &message);
	TRY(dkim_header_signed(&header, own, &signature, arena, &parts, &count));
	text_init(&text, arena);
	for (size_t i = 0; i < count; i++)
		text_add(&text, parts[i]);
	return text_finish(&text, out);
}

static void test_vectors(void **state)
{
	struct arena arena;
	struct slice out;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		assert_int_equal(signed_octets(slice_of_str(vectors[i].in), &arena, &out), 0);
		if (!slice_equal(out, slice_of_str(vectors[i].want)))
			fail_msg("%s: \"%.*s\"", vectors[i].name, SLICE_FMT(out));
		arena_reset(&arena);
	}
	arena_deinit(&arena);
}

/* Each field comes out once, whatever h= says, and in an order that only depends on its name's place in h=. */
static void test_many_fields(void **state)
{
	struct text in, want;
	struct arena arena;
	struct slice text, wanted, out;

	(void)state;
	arena_init(&arena, 8 << 20);
	text_init(&in, &arena);
	text_init(&want, &arena);
	text_str(&in, "From: x\r\n");
	for (unsigned i = 0; i < 900; i++)
		text_printf(&in, "N%u: %u\r\n", i * 7919 % 300, i);
	text_str(&in, "DKIM-Signature:" TAGS "h=from");
	text_str(&want, "From: x\r\n");
	for (unsigned i = 0; i < 999; i++)
		text_printf(&in, ":n%u", i % 333);
	for (unsigned round = 0; round < 3; round++)
		for (unsigned name = 0; name < 300; name++)
			for (unsigned i = 900 - 300 * round; i-- > 600 - 300 * round;)
				if (i * 7919 % 300 == name)
					text_printf(&want, "N%u: %u\r\n", name, i);
	text_str(&want, "DKIM-Signature:" TAGS "h=from");
	for (unsigned i = 0; i < 999; i++)
		text_printf(&want, ":n%u", i % 333);
	text_str(&in, ";b=AAAA\r\n\r\n");
	text_str(&want, ";b=");
	assert_int_equal(text_finish(&in, &text), 0);
	assert_int_equal(text_finish(&want, &wanted), 0);
	assert_int_equal(signed_octets(text, &arena, &out), 0);
	assert_true(slice_equal(out, wanted));
	arena_deinit(&arena);
}

/* RFC 6376 section 8.15, LESSONS row 11. */
static void test_uncovered(void **state)
{
	static const struct {
		const char *fields, *names, *uncovered;
	} cases[] = {
		{ "From:1\r\nFrom:2\r\n", "from", "From" },
		{ "From:1\r\nSubject:2\r\nsubject :3\r\n", "from:subject", "Subject" },
		{ "From:1\r\nContent-Type:2\r\nContent-Type:3\r\nContent-Type:3\r\n", "from:content-type:content-type",
		  "Content-Type" },
		{ "From:1\r\n", "from", "" },
		{ "From:1\r\nFrom:2\r\n", "from:from", "" },
		{ "From:1\r\nDate:2\r\nDate:3\r\n", "from", "" }, /* not signed at all: nothing to stand beside */
		{ "From:1\r\nReceived:2\r\nReceived:3\r\n", "from:received", "" }, /* may occur often */
		{ "From:1\r\nTo:2\r\n", "from:to:to", "" },
	};
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct dkim_signature signature = { .hash = HASH_SHA256 };
		struct mail_message message;

		assert_int_equal(dkim_names_read(slice_of_str(cases[i].names), &arena, &signature.names), 0);
		assert_int_equal(mail_parse(slice_of_str(cases[i].fields), &wide, &arena, &message), MAIL_OK);
		assert_slice_equal(dkim_header_uncovered(&message, &signature), slice_of_str(cases[i].uncovered));
	}
	arena_deinit(&arena);
}

/* RFC 6376 section 3.4.2 octet by octet, the plain twin of what scan.unfold() does. */
static size_t relaxed_plain(struct slice value, uint8_t *out)
{
	bool wsp = false;
	size_t len = 0;

	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] == '\r' && i + 1 < value.len && value.ptr[i + 1] == '\n') {
			i++;
		} else if (octet_is_wsp(value.ptr[i])) {
			wsp = true;
		} else {
			if (wsp && len)
				out[len++] = ' ';
			wsp = false;
			out[len++] = value.ptr[i];
		}
	}
	return len;
}

/* Values of all lengths up to some blocks, of octets that matter and others, seeded. */
static void test_relaxed_blocks(void **state)
{
	static const char octets[] = "  \t\r\nxyzxyzxyzxyz\xff";
	uint8_t text[2 + 200], want[3 + 200];
	uint32_t seed = 1;
	struct arena arena;
	struct slice out;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t round = 0; round < 60000; round++) {
		size_t len = round % 200, used = round / 200 % 3 ? sizeof(octets) - 1 : 10;
		struct mail_field field = { .name = slice_of(text, 1), .raw = slice_of(text, 2 + len) };

		text[0] = 'A';
		text[1] = ':';
		for (size_t i = 0; i < len; i++) {
			seed = seed * 1664525 + 1013904223;
			text[2 + i] = (seed >> 28) ? (uint8_t)"abcdefghijklmnop"[seed >> 28]
			                           : (uint8_t)octets[(seed >> 8) % used];
			if (round % 2)
				text[2 + i] = (uint8_t)octets[(seed >> 8) % used];
		}
		field.value = slice_of(text + 2, len);
		memcpy(want, "a:", 2);
		memcpy(want + 2 + relaxed_plain(field.value, want + 2), "\r\n", 2);
		assert_int_equal(dkim_header_relaxed(&field, SLICE_EMPTY, &arena, &out), 0);
		assert_int_equal(out.len, 4 + relaxed_plain(field.value, want + 2));
		memcpy(want + out.len - 2, "\r\n", 2);
		assert_memory_equal(out.ptr, want, out.len);
		arena_reset(&arena);
	}
	arena_deinit(&arena);
}

/* What ARC-Seal is made over: one field, and the last without the value of b=. */
static void test_one_field(void **state)
{
	struct mail_message message;
	struct arena arena;
	struct slice out, b;
	static const char in[] = "ARC-SEAL \t:  i=1;\r\n\t b=QUJD ; \td=x";

	(void)state;
	arena_init(&arena, 1 << 20);
	assert_int_equal(mail_parse(slice_of_str(in), &wide, &arena, &message), 0);
	assert_int_equal(dkim_header_relaxed(&message.fields[0], SLICE_EMPTY, &arena, &out), 0);
	assert_slice_equal(out, SLICE("arc-seal:i=1; b=QUJD ; d=x\r\n"));
	b = slice_sub(message.fields[0].value, slice_find(message.fields[0].value, 'Q'), 5);
	assert_int_equal(dkim_header_relaxed(&message.fields[0], b, &arena, &out), 0);
	assert_slice_equal(out, SLICE("arc-seal:i=1; b=; d=x"));
	b.len = 0; /* an empty b=, which is a part all the same */
	assert_int_equal(dkim_header_relaxed(&message.fields[0], b, &arena, &out), 0);
	assert_slice_equal(out, SLICE("arc-seal:i=1; b=QUJD ; d=x"));
	arena_deinit(&arena);
}

static void test_memory(void **state)
{
	struct slice in = slice_of_str(vectors[COUNT_OF(vectors) - 2].in);
	struct arena arena;
	struct slice out;
	int result = -ENOMEM;

	(void)state;
	for (size_t bytes = 0; result == -ENOMEM; bytes += 16) {
		arena_init(&arena, bytes);
		result = signed_octets(in, &arena, &out);
		arena_deinit(&arena);
		assert_true(bytes < 1 << 16);
	}
	assert_int_equal(result, 0);
}

/* What is left out may have white space on both sides. */
static void test_around_what_is_left_out(void **state)
{
	static const struct {
		const char *before, *without, *behind, *want;
	} around[] = {
		{ " a", "", "b ", "x:ab" },       { " a ", "..", " b", "x:a b" },     { "a\r\n ", "..", "\t\r\n b", "x:a b" },
		{ "  ", "..", "\r\n\tb", "x:b" }, { " a=", "..", "", "x:a=" },        { " a ", "..", " ", "x:a" },
		{ "", "..", " \t", "x:" },        { " a ", "..", "\t;  b", "x:a ; b" },
	};
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 16);
	for (size_t i = 0; i < sizeof(around) / sizeof(*around); i++) {
		char raw[64];
		int len = snprintf(raw, sizeof(raw), "X:%s%s%s", around[i].before, around[i].without, around[i].behind);
		struct mail_field field = { .raw = slice_of(raw, (size_t)len), .name = slice_of(raw, 1) };
		struct slice out, without;

		field.value = slice_from(field.raw, 2);
		without = slice_of(field.value.ptr + strlen(around[i].before), strlen(around[i].without));
		assert_int_equal(dkim_header_relaxed(&field, without, &arena, &out), 0);
		assert_slice_equal(out, slice_of_str(around[i].want));
	}
	arena_deinit(&arena);
}

UNIT_MAIN(cmocka_unit_test(test_vectors), cmocka_unit_test(test_many_fields), cmocka_unit_test(test_uncovered),
          cmocka_unit_test(test_relaxed_blocks), cmocka_unit_test(test_one_field),
          cmocka_unit_test(test_around_what_is_left_out), cmocka_unit_test(test_memory))
