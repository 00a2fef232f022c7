/*
 * Goal:   the result of every signature is what RFC 6376 section 6 and RFCs 8301, 8463 and 8616 make of it, with
 *         the decisions of STANDARDS chapter 2; nothing but a right signature that covers what it has to is a pass.
 * Method: the RFCs' own messages are verified with real keys, then damaged octet by octet. A table replaces one
 *         tag, key record or DNS outcome at a time and lets every signature be right, so that only the rule itself
 *         can keep it from passing. Each case runs with answers that come late and at once. Then every allocation
 *         fails once.
 */
#include "proto/dkim/dkim.h"

#include "proto/dkim/limits.h"
#include "unit.h"
#include "vectors.h"
#include "world.h"

#include <openssl/evp.h>

#define NOW 1600000000

static const struct mail_bounds wide = {
	.header_octets_max = 1 << 20, .fields_max = 5000, .field_octets_max = 1 << 20
};
static const struct dkim_config defaults = {
	.signatures_max = 8, .rsa_bits_min = 1024, .rsa_bits_max = 4096, .clock_drift_s = 300,
	.verify_us_max = 5000
};

static int verify(struct world *world, struct slice text, int64_t now, const struct dkim_config *config,
                  struct arena *arena, struct dkim_result *out)
{
	const struct slice authors[] = { SLICE("author.example") };
	struct mail_message message;
	struct dkim_reading reading;
	unsigned passes = 0;
	int result;

	TRY(mail_parse(text, &wide, arena, &message));
	TRY(dkim_read(&message, authors, 1, config, arena, &reading));
	do {
		result = dkim_verify(&message, &reading, now, config, &world->ask, arena, out);
		assert_true(++passes <= 2 + DKIM_KEYS_TRIED_MAX);
	} while (result == ASK_BLOCKED);
	return result;
}

static void rfc_keys(struct world *world)
{
	world_txt(world, RFC6376_KEY_NAME, RFC6376_KEY);
	world_txt(world, RFC8463_ED25519_KEY_NAME, RFC8463_ED25519_KEY);
	world_txt(world, RFC8463_RSA_KEY_NAME, RFC8463_RSA_KEY);
}

static void assert_word(const char *name, const struct dkim_signature_result *got, enum dkim_word want,
                        enum reason_id reason)
{
	if (got->result != want || got->reason.id != reason)
		fail_msg("%s: %s (%s), want %s (%s)", name, dkim_word_text(got->result), reason_code(got->reason.id),
		         dkim_word_text(want), reason_code(reason));
}

/* Real signatures, one message each; the words are those of its signatures. */
static void check_real(const char *name, const char *text, size_t count, const enum dkim_word *words,
                       const enum reason_id *reasons)
{
	for (int eager = 0; eager < 2; eager++) {
		struct dkim_result result;
		struct world world;

		world_init(&world);
		world.eager = eager;
		rfc_keys(&world);
		assert_int_equal(verify(&world, slice_of_str(text), NOW, &defaults, &world.arena, &result), 0);
		if (result.count != count)
			fail_msg("%s: %zu signatures", name, result.count);
		for (size_t i = 0; i < count; i++)
			assert_word(name, &result.signatures[i], words[i], reasons[i]);
		world_deinit(&world);
	}
}

#define GOOD REASON_DKIM_PASS

/* base64 of 64 octets */
#define A_22     "AAAAAAAAAAAAAAAAAAAAAA"
#define ZEROS_64 A_22 A_22 A_22 "AAAAAAAAAAAAAAAAAAAA=="

static void test_rfc_messages(void **state)
{
	static const struct {
		const char *name, *text;
		size_t count;
		enum dkim_word words[2];
		enum reason_id reasons[2];
	} cases[] = {
		{ "no_signature", VECTOR_FIELDS "\r\n" VECTOR_BODY, 0, { 0 }, { 0 } },
		{ "no_message", "", 0, { 0 }, { 0 } },
		{ "body_changed", RFC6376_SIGNATURE RFC6376_RECEIVED VECTOR_FIELDS "\r\n" VECTOR_BODY "P.S.\r\n", 1,
		  { DKIM_FAIL }, { REASON_DKIM_BODY_HASH } },
		{ "no_body",
		  RFC6376_SIGNATURE RFC6376_RECEIVED VECTOR_FIELDS, 1, { DKIM_FAIL }, { REASON_DKIM_BODY_HASH } },
		{ "received_missing", RFC6376_SIGNATURE VECTOR_FIELDS "\r\n" VECTOR_BODY, 1, { DKIM_FAIL },
		  { REASON_DKIM_SIGNATURE_WRONG } },
		{ "from_changed",
		  RFC6376_SIGNATURE RFC6376_RECEIVED VECTOR_FIELDS "From: x@example.net\r\n\r\n" VECTOR_BODY,
		  1, { DKIM_FAIL }, { REASON_DKIM_SIGNATURE_WRONG } },
		{ "rfc6376_from_added_on_top", "From: x@example.net\r\n" RFC6376_MESSAGE, 1, { DKIM_POLICY },
		  { REASON_DKIM_FIELD_ADDED } },
		{ "rfc8463_oversigned_from_added",
		  "From: x@example.net\r\n" RFC8463_MESSAGE, 2, { DKIM_FAIL, DKIM_FAIL },
		  { REASON_DKIM_SIGNATURE_WRONG, REASON_DKIM_SIGNATURE_WRONG } },
		{ "rfc6376", RFC6376_MESSAGE, 1, { DKIM_PASS }, { GOOD } },
		{ "rfc6376_trailing_empty_lines", RFC6376_MESSAGE "\r\n\r\n", 1, { DKIM_PASS }, { GOOD } },
		{ "rfc6376_received_added_on_top", "Received: by x\r\n" RFC6376_MESSAGE, 1, { DKIM_PASS }, { GOOD } },
		{ "rfc8463", RFC8463_MESSAGE, 2, { DKIM_PASS, DKIM_PASS }, { GOOD, GOOD } },
		{ "rfc8463_each_alone",
		  RFC8463_RSA_SIGNATURE VECTOR_FIELDS "\r\n" VECTOR_BODY, 1, { DKIM_PASS }, { GOOD } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		check_real(cases[i].name, cases[i].text, cases[i].count, cases[i].words, cases[i].reasons);
}

static void test_properties(void **state)
{
	struct dkim_result result;
	struct world world;

	(void)state;
	world_init(&world);
	rfc_keys(&world);
	assert_int_equal(verify(&world, SLICE(RFC8463_MESSAGE), NOW, &defaults, &world.arena, &result), 0);
	assert_slice_equal(result.signatures[0].domain, SLICE("football.example.com"));
	assert_slice_equal(result.signatures[0].domain_canonical, SLICE("football.example.com"));
	assert_slice_equal(result.signatures[0].selector, SLICE("brisbane"));
	assert_slice_equal(result.signatures[0].identity, SLICE("@football.example.com"));
	assert_slice_equal(result.signatures[0].algorithm, SLICE("ed25519-sha256"));
	assert_slice_equal(result.signatures[0].signature_start, SLICE("/gCrinpc"));
	assert_int_equal(result.signatures[0].key_bits, 256);
	assert_int_equal(result.signatures[1].key_bits, 1024);
	assert_int_equal(result.signatures[0].signed_at, RFC8463_TIME);
	assert_int_equal(result.ignored, 0);
	world_deinit(&world);
}

/* RFC 6008 section 4: header.b has 8 characters, and more where that does not tell one signature from another. */
static void test_header_b_is_unique(void **state)
{
	static const struct {
		const char *b, *start;
	} fields[] = {
		{ "AAAABBBBCCCC", "AAAABBBBCCCC" }, { "AAAA BBBB\tCCCD", "AAAABBBBCCCD" },
		{ "AAAABBBB", "AAAABBBB" },          { "DDDDEEEEFFFF", "DDDDEEEE" },
		{ "DDDDEEEEFFFF", "DDDDEEEE" },      { "GGGG", "GGGG" },
		{ "AAAABBBC0000", "AAAABBBC" },
	};
	struct dkim_result result;
	struct world world;
	struct slice text;
	struct text in;

	(void)state;
	world_init(&world);
	text_init(&in, &world.arena);
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		text_printf(&in, "DKIM-Signature: v=1; d=example.com; b=%s\r\n", fields[i].b);
	text_str(&in, VECTOR_FIELDS "\r\n" VECTOR_BODY);
	assert_int_equal(text_finish(&in, &text), 0);
	assert_int_equal(verify(&world, text, NOW, &defaults, &world.arena, &result), 0);
	assert_int_equal(result.count, COUNT_OF(fields));
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		assert_slice_equal(result.signatures[i].signature_start, slice_of_str(fields[i].start));
	world_deinit(&world);
}

/* Whatever octet of a message with one signature is changed, the signature is no pass. */
static void check_damaged(const char *text, size_t len)
{
	static char damaged[4096];

	assert_true(len <= sizeof(damaged));
	for (size_t i = 0; i < len; i++) {
		struct dkim_result result;
		struct world world;

		memcpy(damaged, text, len);
		damaged[i] ^= 1;
		world_init(&world);
		world.eager = true;
		rfc_keys(&world);
		assert_int_equal(verify(&world, slice_of(damaged, len), NOW, &defaults, &world.arena, &result), 0);
		for (size_t s = 0; s < result.count; s++)
			if (result.signatures[s].result == DKIM_PASS)
				fail_msg("octet %zu", i);
		world_deinit(&world);
	}
}

static void test_damaged_messages(void **state)
{
	(void)state;
	check_damaged(RFC6376_MESSAGE, sizeof(RFC6376_MESSAGE) - 1);
	check_damaged(RFC8463_ED25519_SIGNATURE VECTOR_FIELDS "\r\n" VECTOR_BODY,
	              sizeof(RFC8463_ED25519_SIGNATURE VECTOR_FIELDS "\r\n" VECTOR_BODY) - 1);
}

/* A message with one signature by the RFC 6376 key, tags replaced or added; the signature counts as right. */
#define KEY_NAME "sel._domainkey.example.com"

struct made {
	char text[8192];
	size_t len;
};

static void add_base64(struct made *made, size_t octets)
{
	static const uint8_t zeros[1024];

	made->len += (size_t)EVP_EncodeBlock((uint8_t *)made->text + made->len, zeros, (int)octets);
}

static void add(struct made *made, const char *text)
{
	size_t len = strlen(text);

	assert_true(made->len + len < sizeof(made->text));
	memcpy(made->text + made->len, text, len);
	made->len += len;
}

/* bh= of the first octets of VECTOR_BODY, which is canonical already. */
static void add_body_hash(struct made *made, size_t octets)
{
	uint8_t digest[32];
	unsigned len;

	assert_int_equal(EVP_Digest(VECTOR_BODY, octets, digest, &len, EVP_sha256(), NULL), 1);
	made->len += (size_t)EVP_EncodeBlock((uint8_t *)made->text + made->len, digest, (int)len);
}

#define BODY_OCTETS (sizeof(VECTOR_BODY) - 1)

static void make(struct made *made, const char *tags, size_t signature_octets, size_t body_octets)
{
	made->len = 0;
	add(made, "DKIM-Signature: v=1; s=sel");
	if (*tags)
		add(made, "; ");
	add(made, tags);
	if (!strstr(tags, "a="))
		add(made, "; a=rsa-sha256");
	if (!strstr(tags, "d="))
		add(made, "; d=example.com");
	if (!strstr(tags, "h="))
		add(made, "; h=from");
	add(made, "; bh=");
	add_body_hash(made, body_octets);
	add(made, "; b=");
	add_base64(made, signature_octets);
	add(made, "\r\n" VECTOR_FIELDS "\r\n" VECTOR_BODY);
}

/* The same signature so many times. */
static void make_signed(struct made *made, unsigned signatures)
{
	struct made one;
	size_t len;

	make(&one, "", 128, BODY_OCTETS);
	len = one.len - strlen(VECTOR_FIELDS "\r\n" VECTOR_BODY);
	for (made->len = 0; signatures > 1; signatures--) {
		memcpy(made->text + made->len, one.text, len);
		made->len += len;
	}
	memcpy(made->text + made->len, one.text, one.len);
	made->len += one.len;
}

static const struct {
	const char *name, *tags, *key;
	enum dkim_word result;
	enum reason_id reason;
	size_t body_octets;      /* that bh= covers; 0: all */
	size_t signature_octets; /* 0: 128 */
} rules[] = {
	/* RFC 8301 section 3.1; LESSONS row 9. */
	{ "sha1_with_longer_digest", "a=rsa-sha1", RFC6376_KEY, DKIM_PERMERROR, REASON_DKIM_TAG_INVALID, 0, 0 },
	{ "unknown_algorithm", "a=rsa-sha512", RFC6376_KEY, DKIM_NEUTRAL, REASON_DKIM_ALGORITHM_UNKNOWN, 0, 0 },
	/* Clocks: RFC 6376 section 3.5, drift of 300 s. */
	{ "expired", "x=1599999699", RFC6376_KEY, DKIM_PERMERROR, REASON_DKIM_EXPIRED, 0, 0 },
	{ "expired_long_ago", "t=1; x=2", RFC6376_KEY, DKIM_PERMERROR, REASON_DKIM_EXPIRED, 0, 0 },
	{ "from_the_future", "t=1600000301", RFC6376_KEY, DKIM_POLICY, REASON_DKIM_FUTURE, 0, 0 },
	{ "from_infinite_future", "t=9999999999999", RFC6376_KEY, DKIM_POLICY, REASON_DKIM_FUTURE, 0, 0 },
	{ "expires_within_drift", "x=1599999700", RFC6376_KEY, DKIM_PASS, GOOD, 0, 0 },
	{ "future_within_drift", "t=1600000300", RFC6376_KEY, DKIM_PASS, GOOD, 0, 0 },
	{ "never_expires", "x=9999999999999", RFC6376_KEY, DKIM_PASS, GOOD, 0, 0 },
	/* Key records: 3.6.1 and 6.1.2. */
	{ "no_key_record", "", "v=spf1 -all", DKIM_PERMERROR, REASON_DKIM_KEY_NONE_VALID, 0, 0 },
	{ "revoked", "", "v=DKIM1; p=", DKIM_PERMERROR, REASON_DKIM_KEY_REVOKED, 0, 0 },
	{ "no_data", "", "v=DKIM1", DKIM_PERMERROR, REASON_DKIM_KEY_WITHOUT_DATA, 0, 0 },
	{ "not_for_mail", "", "v=DKIM1; s=x; p=" RFC6376_KEY_DATA, DKIM_PERMERROR, REASON_DKIM_KEY_SERVICE, 0, 0 },
	{ "type_unknown", "", "v=DKIM1; k=x; p=" RFC6376_KEY_DATA, DKIM_PERMERROR, REASON_DKIM_KEY_TYPE, 0, 0 },
	{ "type_other", "", RFC8463_ED25519_KEY, DKIM_PERMERROR, REASON_DKIM_KEY_TYPE, 0, 0 },
	{ "type_other_way", "a=ed25519-sha256", RFC6376_KEY, DKIM_PERMERROR, REASON_DKIM_KEY_TYPE, 0, 64 },
	{ "malformed", "", "v=DKIM1; p=AAAA", DKIM_PERMERROR, REASON_DKIM_KEY_MALFORMED, 0, 0 },
	{ "hash_other", "", "h=sha1; p=" RFC6376_KEY_DATA, DKIM_PERMERROR, REASON_DKIM_KEY_HASH, 0, 0 },
	{ "strict_and_subdomain",
	  "i=@a.example.com", "t=s; p=" RFC6376_KEY_DATA, DKIM_PERMERROR, REASON_DKIM_KEY_STRICT,
	  0, 0 },
	{ "strict_and_same", "i=joe@Example.com", "t=s; p=" RFC6376_KEY_DATA, DKIM_PASS, GOOD, 0, 0 },
	{ "not_strict", "i=@a.example.com", "t=x; p=" RFC6376_KEY_DATA, DKIM_PASS, GOOD, 0, 0 },
	/* n = 0x11, e = 3; n = 0x11, e = 1: LESSONS row 7, S11. */
	{ "five_bits", "", "p=MAYCARECAQM=", DKIM_POLICY, REASON_DKIM_KEY_SHORT, 0, 1 },
	{ "exponent_1", "", "p=MAYCARECAQE=", DKIM_PERMERROR, REASON_DKIM_KEY_EXPONENT, 0, 1 },
	/* Lengths that a signer chooses: LESSONS row 5. */
	{ "signature_short", "", RFC6376_KEY, DKIM_FAIL, REASON_DKIM_SIGNATURE_LENGTH, 0, 127 },
	{ "signature_long", "", RFC6376_KEY, DKIM_FAIL, REASON_DKIM_SIGNATURE_LENGTH, 0, 129 },
	{ "ed25519_short", "a=ed25519-sha256", RFC8463_ED25519_KEY, DKIM_FAIL, REASON_DKIM_SIGNATURE_LENGTH, 0, 63 },
	{ "ed25519", "a=ed25519-sha256", RFC8463_ED25519_KEY, DKIM_PASS, GOOD, 0, 64 },
	/* l=: STANDARDS 2.6, LESSONS row 10. */
	{ "length_beyond", "l=55", RFC6376_KEY, DKIM_PERMERROR, REASON_DKIM_BODY_SHORT, 0, 0 },
	{ "length_overflow", "l=99999999999999999999999", RFC6376_KEY, DKIM_PERMERROR, REASON_DKIM_BODY_SHORT, 0, 0 },
	{ "length_exact", "l=54", RFC6376_KEY, DKIM_PASS, GOOD, 0, 0 },
	{ "length_less_by_one", "l=53", RFC6376_KEY, DKIM_POLICY, REASON_DKIM_BODY_UNSIGNED, 53, 0 },
	{ "length_cut_in_line_end", "l=4", RFC6376_KEY, DKIM_POLICY, REASON_DKIM_BODY_UNSIGNED, 4, 0 },
	{ "length_1", "l=1; c=relaxed/relaxed", RFC6376_KEY, DKIM_POLICY, REASON_DKIM_BODY_UNSIGNED, 1, 0 },
	{ "length_wrong_hash", "l=53", RFC6376_KEY, DKIM_FAIL, REASON_DKIM_BODY_HASH, 52, 0 },
	/* Everything in order. */
	{ "plain", "", RFC6376_KEY, DKIM_PASS, GOOD, 0, 0 },
	{ "u_label", "d=b\xc3\xbc" "cher.example", RFC6376_KEY, DKIM_PASS, GOOD, 0, 0 }, /* RFC 8616 */
};

static void check_rule(size_t i, bool eager)
{
	struct dkim_result result;
	struct world world;
	struct made made;

	world_init(&world);
	world.eager = eager;
	world.signature_forced = SIGNATURE_VALID;
	world_txt(&world, KEY_NAME, rules[i].key);
	world_txt(&world, "sel._domainkey.xn--bcher-kva.example", rules[i].key);
	make(&made, rules[i].tags, rules[i].signature_octets ? rules[i].signature_octets : 128,
	     rules[i].body_octets ? rules[i].body_octets : BODY_OCTETS);
	assert_int_equal(verify(&world, slice_of(made.text, made.len), NOW, &defaults, &world.arena, &result), 0);
	assert_int_equal(result.count, 1);
	assert_word(rules[i].name, &result.signatures[0], rules[i].result, rules[i].reason);
	if (rules[i].reason == REASON_DKIM_BODY_HASH || rules[i].result == DKIM_PERMERROR)
		assert_int_equal(world.signatures_asked, 0);
	world_deinit(&world);
}

static void test_rules(void **state)
{
	(void)state;
	assert_int_equal(BODY_OCTETS, 54);
	for (size_t i = 0; i < COUNT_OF(rules); i++) {
		check_rule(i, false);
		check_rule(i, true);
	}
}

/* Verifies a made message with this world and configuration; one signature. */
static struct dkim_signature_result made_result(struct world *world, const char *tags, const struct dkim_config *config)
{
	struct dkim_result result;
	struct made made;

	make(&made, tags, 128, BODY_OCTETS);
	assert_int_equal(verify(world, slice_of(made.text, made.len), NOW, config, &world->arena, &result), 0);
	assert_int_equal(result.count, 1);
	return result.signatures[0];
}

/* STANDARDS 2.6: a Content-Type that is there and not signed is told, also of a signature that passes. */
static void test_unsigned_content_type(void **state)
{
	static const struct {
		const char *names, *fields;
		enum reason_id reason;
	} cases[] = {
		{ "from", "", REASON_DKIM_PASS },
		{ "from", "content-type : text/plain\r\n", REASON_DKIM_CONTENT_TYPE_UNSIGNED },
		{ "from:Content-Type", "content-type : text/plain\r\n", REASON_DKIM_PASS },
		{ "from:content-type", "Content-Type: a/b\r\nContent-Type: c/d\r\n", REASON_DKIM_FIELD_ADDED },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct dkim_result result;
		struct world world;
		struct slice text;
		struct text in;

		world_init(&world);
		world.signature_forced = SIGNATURE_VALID;
		world_txt(&world, KEY_NAME, RFC8463_ED25519_KEY);
		text_init(&in, &world.arena);
		text_printf(&in,
		            "DKIM-Signature: v=1; a=ed25519-sha256; d=example.com; s=sel; h=%s; bh=%s; b=%s\r\n%s",
		            cases[i].names, VECTOR_BODY_HASH, ZEROS_64, cases[i].fields);
		text_str(&in, VECTOR_FIELDS "\r\n" VECTOR_BODY);
		assert_int_equal(text_finish(&in, &text), 0);
		assert_int_equal(verify(&world, text, NOW, &defaults, &world.arena, &result), 0);
		assert_word(cases[i].names, &result.signatures[0],
		            cases[i].reason == REASON_DKIM_FIELD_ADDED ? DKIM_POLICY : DKIM_PASS, cases[i].reason);
		world_deinit(&world);
	}
}

/* LESSONS row 1: what could not be found out is no verdict on the mail. */
static void test_dns_outcomes(void **state)
{
	static const struct {
		enum dns_outcome outcome;
		enum dkim_word result;
		enum reason_id reason;
	} cases[] = {
		{ DNS_SERVFAIL, DKIM_TEMPERROR, REASON_DKIM_KEY_UNAVAILABLE },
		{ DNS_BOGUS, DKIM_TEMPERROR, REASON_DKIM_KEY_UNAVAILABLE },
		{ DNS_TIMEOUT, DKIM_TEMPERROR, REASON_DKIM_KEY_UNAVAILABLE },
		{ DNS_BUDGET, DKIM_TEMPERROR, REASON_DKIM_KEY_UNAVAILABLE },
		{ DNS_INVALID, DKIM_TEMPERROR, REASON_DKIM_KEY_UNAVAILABLE },
		{ DNS_SILENT, DKIM_TEMPERROR, REASON_DKIM_KEY_UNAVAILABLE },
		{ DNS_NXDOMAIN, DKIM_PERMERROR, REASON_DKIM_KEY_NOT_FOUND },
		{ DNS_NODATA, DKIM_PERMERROR, REASON_DKIM_KEY_NOT_FOUND },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct dkim_signature_result got;
		struct world world;

		world_init(&world);
		world.signature_forced = SIGNATURE_VALID;
		world_outcome(&world, KEY_NAME, DNS_TXT, cases[i].outcome);
		got = made_result(&world, "", &defaults);
		assert_word(dns_outcome_text(cases[i].outcome), &got, cases[i].result, cases[i].reason);
		world_deinit(&world);
	}
}

static void test_signature_answers(void **state)
{
	static const struct {
		enum signature_answer answer;
		enum dkim_word result;
		enum reason_id reason;
	} cases[] = {
		{ SIGNATURE_FAULT, DKIM_TEMPERROR, REASON_DKIM_SIGNATURE_UNCHECKED },
		{ SIGNATURE_INVALID, DKIM_FAIL, REASON_DKIM_SIGNATURE_WRONG },
		{ SIGNATURE_VALID, DKIM_PASS, GOOD },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct dkim_signature_result got;
		struct world world;

		world_init(&world);
		world.signature_forced = cases[i].answer;
		world_txt(&world, KEY_NAME, "v=DKIM1; t=y; p=" RFC6376_KEY_DATA);
		got = made_result(&world, "", &defaults);
		assert_word("answer", &got, cases[i].result, cases[i].reason);
		assert_true(got.testing);
		assert_int_equal(got.key_bits, 1024);
		world_deinit(&world);
	}
}

/* LESSONS row 7, RFC 8301: floor and ceiling are configured, and give `policy`. */
static void test_configuration(void **state)
{
	struct dkim_config config = defaults;
	struct dkim_signature_result got;
	struct world world;

	(void)state;
	world_init(&world);
	world.signature_forced = SIGNATURE_VALID;
	world_txt(&world, KEY_NAME, RFC6376_KEY);
	config.rsa_bits_min = 1025;
	got = made_result(&world, "", &config);
	assert_word("too_short", &got, DKIM_POLICY, REASON_DKIM_KEY_SHORT);
	config.rsa_bits_min = 512;
	config.rsa_bits_max = 1023;
	got = made_result(&world, "", &config);
	assert_word("too_long", &got, DKIM_POLICY, REASON_DKIM_KEY_LONG);
	assert_int_equal(world.signatures_asked, 0);
	config.rsa_bits_max = 1024;
	got = made_result(&world, "", &config);
	assert_word("exact", &got, DKIM_PASS, GOOD);
	assert_int_equal(got.signed_at, 0);
	got = made_result(&world, "t=1234567890123", &config);
	assert_int_equal(got.signed_at, 0);
	world_deinit(&world);
}

static bool is_suffix(void *arg, struct slice name)
{
	return slice_equal(name, slice_of_str(arg));
}

/* RFC 6376 section 6.1.1: where it is configured, d= may be no public suffix; nothing is asked for such a signature. */
static void test_public_suffix(void **state)
{
	static char suffix[] = "example.com", other[] = "com";
	struct dkim_config config = defaults;
	struct dkim_signature_result got;
	struct world world;

	(void)state;
	world_init(&world);
	world.signature_forced = SIGNATURE_VALID;
	world_txt(&world, KEY_NAME, RFC6376_KEY);
	config.refused = (struct dkim_public_suffixes){ is_suffix, suffix };
	got = made_result(&world, "d=Example.Com", &config);
	assert_word("suffix", &got, DKIM_POLICY, REASON_DKIM_PUBLIC_SUFFIX);
	assert_int_equal(world.asked_count + world.bodies_asked, 0);
	config.refused.arg = other;
	got = made_result(&world, "d=Example.Com", &config);
	assert_word("below", &got, DKIM_PASS, GOOD);
	world_deinit(&world);
}

/*
 * STANDARDS 2.8: what signatures may cost, by the sizes of their keys: 7,222 ns for one of 1,024 bits. Each of them has the
 * same share, whichever answer comes first.
 */
static void test_verify_budget(void **state)
{
	/* 2,048 bits, which mean nothing: 22,889 ns. */
	static const char dear[] = "v=DKIM1; p="
	                           "MIIBCgKCAQEA//////////////////////////////////////////////////////////////////////////////"
	                           "//////////////////////////////////////////////////////////////////////////////////////////"
	                           "//////////////////////////////////////////////////////////////////////////////////////////"
	                           "///////////////////////////////////////////////////////////////////////////////////wIDAQAB";
	static const struct {
		const char *name;
		unsigned verify_us_max, signatures, keys; /* 0 keys: one, behind the dear one */
		enum dkim_word result;
		enum reason_id reason;
		unsigned asked;
	} cases[] = {
		{ "one_too_dear", 7, 1, 1, DKIM_POLICY, REASON_BUDGET, 0 },
		{ "one", 8, 1, 1, DKIM_PASS, GOOD, 1 },
		{ "two_share", 14, 2, 1, DKIM_POLICY, REASON_BUDGET, 0 },
		{ "two", 15, 2, 1, DKIM_PASS, GOOD, 2 },
		{ "second_key_too_dear", 14, 1, 2, DKIM_FAIL, REASON_DKIM_SIGNATURE_WRONG, 1 },
		{ "second_key", 15, 1, 2, DKIM_FAIL, REASON_DKIM_SIGNATURE_WRONG, 2 },
		{ "behind_one_too_dear", 8, 1, 0, DKIM_PASS, GOOD, 1 },
	};

	(void)state;
	for (size_t i = 0; i < 2 * COUNT_OF(cases); i++) {
		size_t c = i / 2;
		struct dkim_config config = defaults;
		struct made made = { .len = 0 };
		struct dkim_result result;
		struct world world;

		make_signed(&made, cases[c].signatures);
		world_init(&world);
		world.eager = i % 2;
		world.signature_forced = cases[c].keys > 1 ? SIGNATURE_INVALID : SIGNATURE_VALID;
		if (cases[c].keys == 0)
			world_txt(&world, KEY_NAME, dear);
		for (unsigned k = 0; k < cases[c].keys || k == 0; k++)
			world_txt(&world, KEY_NAME, RFC6376_KEY);
		config.verify_us_max = cases[c].verify_us_max;
		assert_int_equal(verify(&world, slice_of(made.text, made.len), NOW, &config, &world.arena, &result), 0);
		assert_int_equal(result.count, cases[c].signatures);
		for (size_t s = 0; s < result.count; s++)
			assert_word(cases[c].name, &result.signatures[s], cases[c].result, cases[c].reason);
		assert_int_equal(world.signatures_asked, cases[c].asked);
		world_deinit(&world);
	}
}

/* rsa-sha1 is refused before anything is asked for (RFC 8301), and works where it is allowed. */
static void test_sha1(void **state)
{
	static const char text[] = "DKIM-Signature: v=1; a=rsa-sha1; d=example.com; s=sel; h=from;"
	                           " bh=uoq1oCgLlTqpdDX/iUbLy7J1Wic=; b=";
	struct dkim_config config = defaults;
	struct dkim_result result;
	struct world world;
	struct made made = { .len = 0 };

	(void)state;
	add(&made, text);
	add_base64(&made, 128);
	add(&made, "\r\n" VECTOR_FIELDS);
	world_init(&world);
	world.signature_forced = SIGNATURE_VALID;
	world_txt(&world, KEY_NAME, RFC6376_KEY);
	assert_int_equal(verify(&world, slice_of(made.text, made.len), NOW, &config, &world.arena, &result), 0);
	assert_word("refused", &result.signatures[0], DKIM_PERMERROR, REASON_DKIM_ALGORITHM_REFUSED);
	assert_int_equal(world.asked_count + world.bodies_asked, 0);
	config.allow_rsa_sha1 = true;
	assert_int_equal(verify(&world, slice_of(made.text, made.len), NOW, &config, &world.arena, &result), 0);
	assert_word("allowed", &result.signatures[0], DKIM_PASS, GOOD);
	world_deinit(&world);
}

/* RFC 6376 section 3.6.2.2, LESSONS rows 3 and 20: several TXT records. */
static void test_several_records(void **state)
{
	static const char other[] = "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR"
	                            "iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC"
	                            "DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3"
	                            "Ip3G+2kryOTIKT+l/K4w3QIDAQAB";
	static const struct {
		const char *name;
		unsigned texts;
		const char *keys[4];
		enum dkim_word result;
		enum reason_id reason;
		unsigned asked;
	} cases[] = {
		{ "texts_only", 50, { NULL }, DKIM_PERMERROR, REASON_DKIM_KEY_NONE_VALID, 0 },
		{ "first_fault_is_told",
		  1, { "v=DKIM1; p=", "v=DKIM1; p=AAAA" }, DKIM_PERMERROR, REASON_DKIM_KEY_REVOKED, 0 },
		{ "third_is_too_late", 0, { other, other, RFC6376_KEY }, DKIM_FAIL, REASON_DKIM_SIGNATURE_WRONG, 2 },
		{ "key_behind_50_texts", 50, { RFC6376_KEY }, DKIM_PASS, GOOD, 1 },
		{ "second_key", 1, { other, RFC6376_KEY }, DKIM_PASS, GOOD, 2 },
		{ "first_key", 0, { RFC6376_KEY, other }, DKIM_PASS, GOOD, 1 },
		{ "behind_unusable_ones",
		  0, { "v=DKIM1; p=", RFC8463_ED25519_KEY, "p=A", RFC6376_KEY }, DKIM_PASS, GOOD, 1 },
	};

	(void)state;
	for (size_t i = 0; i < 2 * COUNT_OF(cases); i++) {
		size_t c = i / 2;
		struct dkim_result result;
		struct world world;

		world_init(&world);
		world.eager = i % 2;
		for (unsigned t = 0; t < cases[c].texts; t++)
			world_txt(&world, RFC6376_KEY_NAME, "some-site-verification=0123456789abcdef");
		for (size_t k = 0; k < 4 && cases[c].keys[k]; k++)
			world_txt(&world, RFC6376_KEY_NAME, cases[c].keys[k]);
		assert_int_equal(verify(&world, SLICE(RFC6376_MESSAGE), NOW, &defaults, &world.arena, &result), 0);
		assert_word(cases[c].name, &result.signatures[0], cases[c].result, cases[c].reason);
		assert_int_equal(world.signatures_asked, cases[c].asked);
		world_deinit(&world);
	}
}

/* A fault with one key and a wrong signature with the other is doubt, not a verdict. */
static void test_fault_and_invalid(void **state)
{
	struct dkim_signature_result got;
	struct world world;

	(void)state;
	world_init(&world);
	world.signature_forced = SIGNATURE_FAULT;
	world_txt(&world, KEY_NAME, RFC6376_KEY);
	world_txt(&world, KEY_NAME, RFC6376_KEY);
	got = made_result(&world, "", &defaults);
	assert_word("faults", &got, DKIM_TEMPERROR, REASON_DKIM_SIGNATURE_UNCHECKED);
	assert_int_equal(world.signatures_asked, 2);
	world_deinit(&world);
}

/* The first pass asks for every key and every body digest; a signature is asked for once. */
static void test_asks_everything_at_once(void **state)
{
	const struct slice text = SLICE(RFC8463_MESSAGE);
	struct mail_message message;
	struct dkim_reading reading;
	struct dkim_result result;
	struct world world;

	(void)state;
	world_init(&world);
	rfc_keys(&world);
	assert_int_equal(mail_parse(text, &wide, &world.arena, &message), MAIL_OK);
	assert_int_equal(dkim_read(&message, NULL, 0, &defaults, &world.arena, &reading), 0);
	for (unsigned pass = 0; pass < 3; pass++) {
		int got = dkim_verify(&message, &reading, NOW, &defaults, &world.ask, &world.arena, &result);

		assert_int_equal(got, pass < 2 ? ASK_BLOCKED : 0);
		assert_int_equal(world.asked_count, 2);
		assert_int_equal(world.signatures_asked, pass == 0 ? 0 : 2);
	}
	assert_int_equal(result.count, 2);
	assert_true(result.signatures[0].result == DKIM_PASS && result.signatures[1].result == DKIM_PASS);
	world_deinit(&world);
}

static void add_signature(struct made *made, const char *domain, const char *selector)
{
	add(made, "DKIM-Signature: v=1; a=rsa-sha256; h=from; bh=" VECTOR_BODY_HASH "; b=AAAA; d=");
	add(made, domain);
	add(made, "; s=");
	add(made, selector);
	add(made, "\r\n");
}

/* LESSONS row 4: the cap counts malformed ones, comes before the DNS, and decoys do not displace the author's. */
static void test_cap(void **state)
{
	static const struct {
		unsigned max;
		const char *chosen; /* selectors, in the order of results */
	} cases[] = {
		{ 0, "" }, { 1, "f" }, { 2, "cf" }, { 3, "cdf" }, { 4, "acdf" }, { 5, "abcdf" }, { 8, "abcdefg" },
	};
	struct made made = { .len = 0 };

	(void)state;
	add_signature(&made, "decoy.example", "a");
	add(&made, "DKIM-Signature: d=author.example; broken; s=b\r\n");
	add_signature(&made, "example", "c");
	add_signature(&made, "sub.author.example", "d");
	add_signature(&made, "notauthor.example", "e");
	add_signature(&made, "Author.Example", "f");
	add_signature(&made, "decoy.example", "g");
	add(&made, VECTOR_FIELDS "\r\n" VECTOR_BODY);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct dkim_config config = defaults;
		struct dkim_result result;
		struct world world;
		char chosen[16] = "";

		config.signatures_max = cases[i].max;
		world_init(&world);
		assert_int_equal(verify(&world, slice_of(made.text, made.len), NOW, &config, &world.arena, &result), 0);
		for (size_t s = 0; s < result.count; s++)
			chosen[s] = result.signatures[s].selector.len
			                    ? (char)result.signatures[s].selector.ptr[0] : 'b';
		assert_string_equal(chosen, cases[i].chosen);
		assert_int_equal(result.count + result.ignored, 7);
		assert_int_equal(result.ignored_reason.id, result.ignored ? REASON_DKIM_IGNORED : REASON_NONE);
		assert_true(world.asked_count <= cases[i].max);
		world_deinit(&world);
	}
}

/* A thousand signatures take no more work than the cap; one name is asked for once. */
static void test_thousand_signatures(void **state)
{
	struct dkim_result result;
	struct world world;
	struct slice text;
	struct text in;

	(void)state;
	world_init(&world);
	text_init(&in, &world.arena);
	for (unsigned i = 0; i < 1000; i++)
		text_printf(&in,
		            "DKIM-Signature: v=1; a=rsa-sha256; d=e%u.example.com; s=s; h=from; bh=%s; b=AAAA\r\n",
		            i / 2, VECTOR_BODY_HASH);
	text_str(&in, VECTOR_FIELDS "\r\n" VECTOR_BODY);
	assert_int_equal(text_finish(&in, &text), 0);
	assert_int_equal(verify(&world, text, NOW, &defaults, &world.arena, &result), 0);
	assert_int_equal(result.count, 8);
	assert_int_equal(result.ignored, 992);
	assert_int_equal(reason_render(&result.ignored_reason, &world.arena, &text), 0);
	assert_slice_equal(text, SLICE("not looked at: 992 more signatures, for 8 are verified at most"));
	assert_int_equal(world.asked_count, 4);
	world_deinit(&world);
}

/* However little memory there is: -ENOMEM, or the right result; never another one. */
static void test_memory(void **state)
{
	const struct slice text = SLICE(RFC8463_MESSAGE);
	int result = -ENOMEM;
	size_t failed = 0;

	(void)state;
	for (size_t bytes = 0; result == -ENOMEM; bytes += 16) {
		struct dkim_result got;
		struct world world;
		struct arena arena;

		world_init(&world);
		world.eager = true;
		world.signature_forced = SIGNATURE_VALID;
		rfc_keys(&world);
		arena_init(&arena, bytes);
		result = verify(&world, text, NOW, &defaults, &arena, &got);
		if (result == 0)
			assert_true(got.count == 2 && got.signatures[0].result == DKIM_PASS &&
			            got.signatures[1].result == DKIM_PASS);
		failed += result == -ENOMEM;
		arena_deinit(&arena);
		world_deinit(&world);
		assert_true(bytes < 1 << 20);
	}
	assert_int_equal(result, 0);
	assert_true(failed > 20);
}

static void test_words(void **state)
{
	(void)state;
	assert_string_equal(dkim_word_text(DKIM_PASS), "pass");
	assert_string_equal(dkim_word_text(DKIM_FAIL), "fail");
	assert_string_equal(dkim_word_text(DKIM_POLICY), "policy");
	assert_string_equal(dkim_word_text(DKIM_NEUTRAL), "neutral");
	assert_string_equal(dkim_word_text(DKIM_TEMPERROR), "temperror");
	assert_string_equal(dkim_word_text(DKIM_PERMERROR), "permerror");
}

UNIT_MAIN(cmocka_unit_test(test_rfc_messages), cmocka_unit_test(test_properties),
          cmocka_unit_test(test_header_b_is_unique),
          cmocka_unit_test(test_damaged_messages), cmocka_unit_test(test_rules), cmocka_unit_test(test_dns_outcomes),
          cmocka_unit_test(test_unsigned_content_type),
          cmocka_unit_test(test_signature_answers), cmocka_unit_test(test_configuration), cmocka_unit_test(test_sha1),
          cmocka_unit_test(test_verify_budget), cmocka_unit_test(test_public_suffix),
          cmocka_unit_test(test_several_records), cmocka_unit_test(test_fault_and_invalid),
          cmocka_unit_test(test_asks_everything_at_once), cmocka_unit_test(test_cap),
          cmocka_unit_test(test_thousand_signatures), cmocka_unit_test(test_memory), cmocka_unit_test(test_words))
