/*
 * Goal:   a DKIM-Signature field is read by RFC 6376 sections 3.5 and 6.1.1, strictly ("being liberal" is wrong
 *         there), and the two of ARC with what RFC 8617 sections 4.1.2 and 4.1.3 change.
 * Method: a good field in which one tag at a time is replaced, taken out or added; bad ones first, each with the
 *         word and the reason it has to give. Then every allocation fails once.
 */
#include "proto/dkim/signature.h"

#include "unit.h"
#include "vectors.h"

#define HASH_TEXT "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
/* 63 octets: the longest label. */
#define LABEL_63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"

static const char *const good[][2] = {
	{ "v", "1" },         { "a", "rsa-sha256" }, { "d", "example.com" }, { "s", "sel" },
	{ "h", "from : to" }, { "bh", HASH_TEXT },   { "b", "dGVzdA==" },
};

/* The good field with `name` set to `value` (NULL: taken out). */
static void field_text(const char *name, const char *value, char *out, size_t size)
{
	size_t at = 0;
	bool replaced = false;

	out[0] = 0;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		bool same = strcmp(good[i][0], name) == 0;
		const char *text = same ? value : good[i][1];

		replaced |= same;
		if (text)
			at += (size_t)snprintf(out + at, size - at, " %s=%s;", good[i][0], text);
	}
	if (!replaced && value)
		at += (size_t)snprintf(out + at, size - at, " %s=%s;", name, value);
	assert_true(at < size);
}

static int parse(const char *name, const char *value, struct arena *arena, struct dkim_signature *out)
{
	static char text[16384];
	struct mail_field field;

	field_text(name, value, text, sizeof(text));
	field = (struct mail_field){ .value = slice_of_str(text) };
	return dkim_signature_parse(&field, DKIM_FORM_SIGNATURE, arena, out);
}

static const struct {
	const char *name, *value;
	enum dkim_word result;
	enum reason_id reason;
} bad[] = {
	/* 6.1.1: required tags. */
	{ "v", NULL, DKIM_PERMERROR, REASON_DKIM_TAG_MISSING },
	{ "a", NULL, DKIM_PERMERROR, REASON_DKIM_TAG_MISSING },
	{ "d", NULL, DKIM_PERMERROR, REASON_DKIM_TAG_MISSING },
	{ "s", NULL, DKIM_PERMERROR, REASON_DKIM_TAG_MISSING },
	{ "h", NULL, DKIM_PERMERROR, REASON_DKIM_TAG_MISSING },
	{ "b", NULL, DKIM_PERMERROR, REASON_DKIM_TAG_MISSING },
	{ "bh", NULL, DKIM_PERMERROR, REASON_DKIM_TAG_MISSING },
	{ "x", "1; x=2", DKIM_PERMERROR, REASON_DKIM_SYNTAX },
	/* v= */
	{ "v", "", DKIM_PERMERROR, REASON_DKIM_VERSION },
	{ "v", "2", DKIM_PERMERROR, REASON_DKIM_VERSION },
	{ "v", "1.0", DKIM_PERMERROR, REASON_DKIM_VERSION },
	{ "v", "01", DKIM_PERMERROR, REASON_DKIM_VERSION },
	/* a=: LESSONS row 9, never fail. */
	{ "a", "", DKIM_NEUTRAL, REASON_DKIM_ALGORITHM_UNKNOWN },
	{ "a", "rsa-sha512", DKIM_NEUTRAL, REASON_DKIM_ALGORITHM_UNKNOWN },
	{ "a", "ed25519-sha1", DKIM_NEUTRAL, REASON_DKIM_ALGORITHM_UNKNOWN },
	/* d=, s= (STANDARDS 2.1 no. 4) */
	{ "d", "", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "d", "com", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "d", "example.com.", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "d", "example..com", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "d", ".example.com", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "d", "exa mple.com", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "d", "example.net(.example.com", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID }, /* LESSONS row 14 */
	{ "d", LABEL_63 "g.com", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "s", "", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "s", "a..b", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "s", "a.", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "s", "a/b", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	/* 231 + 23 octets of "._domainkey.example.com": one more than a name may have. */
	{ "s", LABEL_63 "." LABEL_63 "." LABEL_63 ".aaaaaaaaaabbbbbbbbbbccccccccccddddddddd", DKIM_PERMERROR,
	  REASON_DKIM_TAG_INVALID },
	/* i= */
	{ "i", "", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "i", "example.com", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "i", "joe@", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "i", "joe=4@example.com", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "i", "@example.com=4", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "i", "@example.net", DKIM_PERMERROR, REASON_DKIM_IDENTITY_OUTSIDE },
	{ "i", "@com", DKIM_PERMERROR, REASON_DKIM_IDENTITY_OUTSIDE },
	{ "i", "@badexample.com", DKIM_PERMERROR, REASON_DKIM_IDENTITY_OUTSIDE },
	{ "i", "@example.com=40example.net", DKIM_PERMERROR, REASON_DKIM_IDENTITY_OUTSIDE },
	/* h= */
	{ "h", "", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "h", "to", DKIM_PERMERROR, REASON_DKIM_FROM_NOT_SIGNED },
	{ "h", "xfrom:fromx", DKIM_PERMERROR, REASON_DKIM_FROM_NOT_SIGNED },
	{ "h", "from:", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "h", "from::to", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "h", "from to", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	/* c=, q= */
	{ "c", "", DKIM_PERMERROR, REASON_DKIM_CANONICALIZATION_UNKNOWN },
	{ "c", "future", DKIM_PERMERROR, REASON_DKIM_CANONICALIZATION_UNKNOWN },
	{ "c", "simple/", DKIM_PERMERROR, REASON_DKIM_CANONICALIZATION_UNKNOWN },
	{ "c", "simple/nofws", DKIM_PERMERROR, REASON_DKIM_CANONICALIZATION_UNKNOWN },
	{ "c", "simple/simple/simple", DKIM_PERMERROR, REASON_DKIM_CANONICALIZATION_UNKNOWN },
	{ "q", "", DKIM_PERMERROR, REASON_DKIM_QUERY_UNKNOWN },
	{ "q", "dns", DKIM_PERMERROR, REASON_DKIM_QUERY_UNKNOWN },
	{ "q", "dns/txt/x", DKIM_PERMERROR, REASON_DKIM_QUERY_UNKNOWN },
	/* l=, t=, x= */
	{ "l", "", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "l", "-1", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "l", "1 2", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "l", "12345678901234567890123456789012345678901234567890123456789012345678901234567", DKIM_PERMERROR,
	  REASON_DKIM_TAG_INVALID },
	{ "t", "", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "t", "0x1", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "x", "soon", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "x", "7; t=7", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "x", "7; t=1234567890123", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	/* bh=, b=: LESSONS row 5, lengths that the signer chooses. */
	{ "bh", "", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "bh", "dGVzdA==", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "bh", "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv9zdA==", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "bh", "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8!", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "b", "", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "b", "A", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
	{ "b", "====", DKIM_PERMERROR, REASON_DKIM_TAG_INVALID },
};

static void test_bad(void **state)
{
	struct dkim_signature signature;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		int result = parse(bad[i].name, bad[i].value, &arena, &signature);

		if (result != DKIM_SIGNATURE_UNUSABLE || signature.fault.result != bad[i].result ||
		    signature.fault.reason.id != bad[i].reason)
			fail_msg("%s=%s: %d, %s, %s", bad[i].name, bad[i].value ? bad[i].value : "(none)", result,
			         dkim_word_text(signature.fault.result), reason_code(signature.fault.reason.id));
		arena_reset(&arena);
	}
	arena_deinit(&arena);
}

static const struct {
	const char *name, *value;
} fine[] = {
	{ "y", NULL },
	{ "unknown", "tag" },
	{ "a", "RSA-SHA256" },
	{ "a", "ed25519-sha256" },
	{ "d", "Example.COM" },
	{ "d", "_x.example.com" },
	{ "d", "b\xc3\xbc" "cher.example" }, /* RFC 8616 */
	{ "s", "a.b" },
	{ "s", LABEL_63 "." LABEL_63 "." LABEL_63 ".aaaaaaaaaabbbbbbbbbbccccccccccdddddddd" },
	{ "i", "@example.com" },
	{ "i", "joe@sub.Example.Com" },
	{ "i", "a@b@example.com" },
	{ "i", "joe=3Bx=40y@example.com" },
	{ "i", "joe@exam\r\n ple.com" }, /* 2.11: white space does not count */
	{ "h", "From" },
	{ "h", "to:dkim-signature:\r\n\tFROM" },
	{ "c", "relaxed" },
	{ "c", "Simple/Relaxed" },
	{ "q", "dns/txt" },
	{ "q", "http : DNS/TXT" }, /* unknown methods are ignored */
	{ "l", "0" },
	{ "t", "0" },
	{ "x", "1234567890123" },
	{ "x", "8; t=7" },
	{ "bh", "2jUSOH9NhtVGCQWN\r\n r9BrIAPreKQjO6Sn7XIkfJVOzv8=" },
	{ "b", "d G V z\r\n d A = =" },
	{ "z", "From:joe=20x|To:y" },
};

static void test_fine(void **state)
{
	struct dkim_signature signature;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < COUNT_OF(fine); i++)
		if (parse(fine[i].name, fine[i].value, &arena, &signature))
			fail_msg("%s=%s: %s", fine[i].name, fine[i].value, reason_code(signature.fault.reason.id));
	arena_deinit(&arena);
}

static void test_defaults_and_numbers(void **state)
{
	struct dkim_signature s;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	assert_int_equal(parse("y", NULL, &arena, &s), 0);
	assert_true(s.header_canon == CANON_SIMPLE && s.body_canon == CANON_SIMPLE);
	assert_true(!s.has_length && !s.has_time && !s.has_expiry);
	assert_slice_equal(s.identity, SLICE("@example.com"));
	assert_slice_equal(s.query_name, SLICE("sel._domainkey.example.com"));
	assert_slice_equal(s.signature, SLICE("test"));
	assert_slice_equal(s.signature_start, SLICE("dGVzdA=="));
	assert_int_equal(parse("c", "relaxed", &arena, &s), 0);
	assert_true(s.header_canon == CANON_RELAXED && s.body_canon == CANON_SIMPLE);
	/* 76 digits are allowed; what does not fit is above every body's length (STANDARDS 2.1 no. 9). */
	assert_int_equal(parse("l", "1234567890123456789012345678901234567890123456789012345678901234567890123456",
	                       &arena, &s), 0);
	assert_true(s.has_length && s.length == UINT64_MAX);
	assert_int_equal(parse("l", "0000000000000000000000012", &arena, &s), 0);
	assert_true(s.length == 12);
	assert_int_equal(parse("x", "999999999999", &arena, &s), 0);
	assert_true(s.has_expiry && s.expiry == 999999999999u);
	assert_int_equal(parse("x", "1000000000000", &arena, &s), 0);
	assert_true(s.expiry == UINT64_MAX);
	arena_deinit(&arena);
}

/* RFC 6376 section 3.5: t= and x= of more than 12 digits are infinite, both alike and however many digits they have. */
static void test_endless_times(void **state)
{
	static const size_t digits[] = { 13, 76, 77, 2000 };
	struct dkim_signature s;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < 2 * COUNT_OF(digits); i++) {
		char value[2048];

		/* Zeros in front: it is the digits that count. */
		snprintf(value, sizeof(value), "%0*d", (int)digits[i / 2], i % 2 ? 1234567 : 1);
		assert_int_equal(parse("t", value, &arena, &s), 0);
		assert_true(s.has_time && s.time == UINT64_MAX);
		assert_int_equal(parse("x", value, &arena, &s), 0);
		assert_true(s.has_expiry && s.expiry == UINT64_MAX);
		value[digits[i / 2] / 2] = 'x';
		assert_int_equal(parse("t", value, &arena, &s), DKIM_SIGNATURE_UNUSABLE);
		assert_int_equal(parse("x", value, &arena, &s), DKIM_SIGNATURE_UNUSABLE);
	}
	arena_deinit(&arena);
}

/* Results show what was written even of a signature that cannot be used. */
static void test_as_written(void **state)
{
	struct dkim_signature s;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	assert_int_equal(parse("v", "2", &arena, &s), DKIM_SIGNATURE_UNUSABLE);
	assert_slice_equal(s.domain, SLICE("example.com"));
	assert_slice_equal(s.selector, SLICE("sel"));
	assert_slice_equal(s.algorithm, SLICE("rsa-sha256"));
	assert_slice_equal(s.signature_start, SLICE("dGVzdA=="));
	assert_int_equal(parse("d", "a(b.example", &arena, &s), DKIM_SIGNATURE_UNUSABLE);
	assert_slice_equal(s.domain, SLICE("a(b.example"));
	assert_int_equal(s.domain_canonical.len, 0);
	assert_int_equal(parse("d", NULL, &arena, &s), DKIM_SIGNATURE_UNUSABLE);
	assert_int_equal(s.identity.len, 0);
	arena_deinit(&arena);
}

/* What results show of a signature is there however long it is, and however much white space is in it. */
static void test_start_of_a_long_signature(void **state)
{
	static const char before[] = "v=1; a=rsa-sha256; d=example.com; s=s; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=";
	static char text[3 * DKIM_SIGNATURE_TEXT_OCTETS_MAX];
	size_t at = sizeof(before) - 1;
	struct mail_field field = { .value = { (const uint8_t *)text, sizeof(text) } };
	struct dkim_signature s;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	memset(text, ' ', sizeof(text));
	memcpy(text, before, at);
	memcpy(text + at, "QUJD", 4);
	memcpy(text + sizeof(text) - 8, "REVGRw==", 8);
	assert_int_equal(dkim_signature_parse(&field, DKIM_FORM_SIGNATURE, &arena, &s), DKIM_SIGNATURE_UNUSABLE);
	assert_slice_equal(s.signature_start, SLICE("QUJDREVGRw=="));
	memset(text + at, 'x', sizeof(text) - at);
	for (size_t i = at; i < sizeof(text) - 1; i += 3)
		text[i] = ' ';
	assert_int_equal(dkim_signature_parse(&field, DKIM_FORM_SIGNATURE, &arena, &s), DKIM_SIGNATURE_UNUSABLE);
	assert_int_equal(s.signature_start.len, 500);
	for (size_t i = 0; i < 500; i++)
		assert_int_equal(s.signature_start.ptr[i], 'x');
	/* The longest that is decoded is decoded as a whole. */
	for (size_t i = 0; i < DKIM_SIGNATURE_TEXT_OCTETS_MAX; i++)
		text[at + i] = i % 64 < 60 ? 'A' : ' ';
	field.value.len = at + DKIM_SIGNATURE_TEXT_OCTETS_MAX - 4; /* it ends in no white space */
	assert_int_equal(dkim_signature_parse(&field, DKIM_FORM_SIGNATURE, &arena, &s), 0);
	assert_int_equal(s.signature.len, DKIM_SIGNATURE_TEXT_OCTETS_MAX / 64 * 60 / 4 * 3);
	arena_deinit(&arena);
}

static void test_rfc8463_example(void **state)
{
	static const char text[] = RFC8463_ED25519_SIGNATURE;
	struct mail_field field = { .value = slice_from(slice_of_str(text), strlen("DKIM-Signature:")) };
	struct dkim_signature s;
	struct arena arena;

	(void)state;
	field.value.len -= 2;
	arena_init(&arena, 1 << 20);
	assert_int_equal(dkim_signature_parse(&field, DKIM_FORM_SIGNATURE, &arena, &s), 0);
	assert_true(s.kind == PUBLIC_KEY_ED25519 && s.hash == HASH_SHA256);
	assert_true(s.header_canon == CANON_RELAXED && s.body_canon == CANON_RELAXED);
	assert_true(s.has_time && s.time == RFC8463_TIME);
	assert_int_equal(s.signature.len, 64);
	assert_int_equal(s.body_hash.len, 32);
	assert_slice_equal(s.query_name, SLICE(RFC8463_ED25519_KEY_NAME));
	arena_deinit(&arena);
}

static int parse_form(enum dkim_form form, const char *text, struct arena *arena, struct dkim_signature *out)
{
	struct mail_field field = { .value = slice_of_str(text) };

	return dkim_signature_parse(&field, form, arena, out);
}

#define AMS_WITHOUT_H "i=1; a=rsa-sha256; d=example.com; s=sel; bh=" HASH_TEXT "; b=dGVzdA=="
#define SEAL          "i=1; cv=none; a=rsa-sha256; d=example.com; s=sel; b=dGVzdA=="

static void test_arc_bad(void **state)
{
	static const struct {
		enum dkim_form form;
		const char *text;
		enum reason_id reason;
	} arc[] = {
		{ DKIM_FORM_ARC_MESSAGE_SIGNATURE, AMS_WITHOUT_H, REASON_DKIM_TAG_MISSING },
		{ DKIM_FORM_ARC_MESSAGE_SIGNATURE, SEAL "; h=from", REASON_DKIM_TAG_MISSING },
		{ DKIM_FORM_ARC_MESSAGE_SIGNATURE, AMS_WITHOUT_H "; h=from:ARC-seal", REASON_DKIM_TAG_INVALID },
		{ DKIM_FORM_ARC_MESSAGE_SIGNATURE, AMS_WITHOUT_H "; h=fr om", REASON_DKIM_TAG_INVALID },
		{ DKIM_FORM_ARC_MESSAGE_SIGNATURE, AMS_WITHOUT_H "; h=from; t=", REASON_DKIM_TAG_INVALID },
		{ DKIM_FORM_ARC_SEAL, "a=rsa-sha256; d=example.com; s=sel", REASON_DKIM_TAG_MISSING },
		{ DKIM_FORM_ARC_SEAL, SEAL "; h=from", REASON_ARC_SEAL_NAMES },
		{ DKIM_FORM_ARC_SEAL, SEAL "; h=", REASON_ARC_SEAL_NAMES },
		{ DKIM_FORM_ARC_SEAL, SEAL "; t=x", REASON_DKIM_TAG_INVALID },
		{ DKIM_FORM_ARC_SEAL, SEAL ";;", REASON_DKIM_SYNTAX },
	};
	struct dkim_signature s;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < COUNT_OF(arc); i++) {
		assert_int_equal(parse_form(arc[i].form, arc[i].text, &arena, &s), DKIM_SIGNATURE_UNUSABLE);
		if (s.fault.reason.id != arc[i].reason)
			fail_msg("%s: %s", arc[i].text, reason_code(s.fault.reason.id));
	}
	arena_deinit(&arena);
}

static void test_arc_fine(void **state)
{
	struct dkim_signature s;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	assert_int_equal(parse_form(DKIM_FORM_ARC_MESSAGE_SIGNATURE, AMS_WITHOUT_H "; v=7; h=to::subject; t=5; x=9; l=3",
	                            &arena, &s), 0);
	assert_int_equal(s.names.count, 3);
	assert_int_equal(s.names.items[0].id, MAIL_NAME_TO);
	assert_slice_equal(s.names.items[1].text, SLICE_EMPTY);
	assert_slice_equal(s.names.items[2].text, SLICE("subject"));
	assert_true(s.names.have_others); /* the empty one */
	assert_slice_equal(s.identity, SLICE_EMPTY);
	assert_slice_equal(s.identity_domain, SLICE("example.com"));
	assert_true(s.has_time && s.has_expiry && s.has_length);
	assert_int_equal(parse_form(DKIM_FORM_ARC_MESSAGE_SIGNATURE, AMS_WITHOUT_H "; h=", &arena, &s), 0);
	assert_int_equal(parse_form(DKIM_FORM_ARC_SEAL, SEAL "; t=5; c=future; bh=!; l=x; x=1; v=2; q=carrier", &arena, &s),
	                 0);
	assert_true(s.header_canon == CANON_RELAXED && s.has_time && !s.has_expiry && !s.has_length);
	assert_slice_equal(s.query_name, SLICE("sel._domainkey.example.com"));
	assert_slice_equal(s.signature, SLICE("test"));
	arena_deinit(&arena);
}

/* LESSONS row 6: names of h= are bounded. */
static void test_names_bound(void **state)
{
	static char text[2 * (DKIM_SIGNED_NAMES_MAX + 1) + 8];
	struct dkim_signature s;
	struct arena arena;
	size_t at = 0;

	(void)state;
	arena_init(&arena, 1 << 20);
	at += (size_t)sprintf(text, "from");
	for (size_t i = 1; i < DKIM_SIGNED_NAMES_MAX; i++)
		at += (size_t)sprintf(text + at, ":a");
	assert_int_equal(parse("h", text, &arena, &s), 0);
	sprintf(text + at, ":a");
	assert_int_equal(parse("h", text, &arena, &s), DKIM_SIGNATURE_UNUSABLE);
	assert_int_equal(s.fault.reason.id, REASON_DKIM_NAMES_EXCESSIVE);
	arena_deinit(&arena);
}

static void test_memory(void **state)
{
	struct dkim_signature s;
	struct arena arena;
	int result = -ENOMEM;
	size_t bytes;

	(void)state;
	for (bytes = 0; result == -ENOMEM; bytes += 16) {
		arena_init(&arena, bytes);
		result = parse("i", "joe@SUB.example.com", &arena, &s);
		arena_deinit(&arena);
		assert_true(bytes < 1 << 16);
	}
	assert_int_equal(result, 0);
	assert_true(bytes > 64);
}

UNIT_MAIN(cmocka_unit_test(test_bad), cmocka_unit_test(test_fine), cmocka_unit_test(test_defaults_and_numbers),
          cmocka_unit_test(test_endless_times),
          cmocka_unit_test(test_as_written), cmocka_unit_test(test_start_of_a_long_signature),
          cmocka_unit_test(test_rfc8463_example),
          cmocka_unit_test(test_arc_bad), cmocka_unit_test(test_arc_fine), cmocka_unit_test(test_names_bound),
          cmocka_unit_test(test_memory))
