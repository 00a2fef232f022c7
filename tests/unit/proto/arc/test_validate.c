/*
 * Goal:   a chain passes when RFC 8617 section 5.2 says so and never else, every error is permanent, and a hop is
 *         believed only when nobody untrusted can have changed what it handed on.
 * Method: chains with real signatures (sealer.h) and the RFC's own example; then damaged octet by octet. A table changes one
 *         thing at a time and lets every signature be right, so that only the rule itself can keep the chain from
 *         passing. Each case runs with answers that come late and at once. Then every allocation fails once.
 */
#include "proto/arc/arc.h"

#include "proto/arc/limits.h"
#include "sealer.h"
#include "vectors.h"
#include "world.h"

#define NOW 1600000000

static const struct mail_bounds wide = {
	.header_octets_max = 1 << 20, .fields_max = 5000, .field_octets_max = 1 << 20
};
static const struct dkim_config keys_of_today = {
	.signatures_max = 8, .rsa_bits_min = 1024, .rsa_bits_max = 4096, .clock_drift_s = 300, .allow_rsa_sha1 = true,
	.verify_us_max = 20000
};
static const struct arc_config defaults = { .verify = true, .sets_max = 10 };

static void world_start(struct world *world, bool eager)
{
	static char names[HOPS_MAX][32];

	world_init(world);
	world->eager = eager;
	for (unsigned hop = 1; hop <= HOPS_MAX; hop++) {
		sprintf(names[hop - 1], "k._domainkey.h%u.example", hop);
		world_txt(world, names[hop - 1], SEALER_KEY);
	}
}

static int validate(struct world *world, const char *text, const struct arc_config *config, struct arena *arena,
                    struct arc_result *out)
{
	struct mail_message message;
	unsigned passes = 0;
	int result;

	TRY(mail_parse(slice_of_str(text), &wide, arena, &message));
	do {
		result = arc_validate(&message, NOW, config, &keys_of_today, &world->ask, arena, out);
		assert_true(++passes <= 3);
	} while (result == ASK_BLOCKED);
	return result;
}

static void assert_result(const char *name, const struct arc_result *got, enum arc_word word, enum reason_id reason)
{
	if (got->result != word || got->reason.id != reason)
		fail_msg("%s: %s (%s, %.*s), want %s (%s)", name, arc_word_text(got->result), reason_code(got->reason.id),
		         SLICE_FMT(got->reason.detail[1]), arc_word_text(word), reason_code(reason));
}

static void test_real_chains(void **state)
{
	(void)state;
	for (unsigned hops = 0; hops <= 10; hops++) {
		struct made_chain *made = chain_make(&(struct plan){ .hops = hops });

		for (int eager = 0; eager < 2; eager++) {
			struct arc_result result;
			struct world world;

			world_start(&world, eager);
			assert_int_equal(validate(&world, made->text, &defaults, &world.arena, &result), 0);
			assert_result("chain", &result, hops ? ARC_PASS : ARC_NONE,
			              hops ? REASON_ARC_PASS : REASON_ARC_NOT_PRESENT);
			assert_true(result.evaluated && result.instance == hops && result.sets_count == hops);
			assert_int_equal(world.signatures_asked, hops ? hops + 1 : 0);
			world_deinit(&world);
		}
		free(made);
	}
}

static void test_hops_are_shown(void **state)
{
	struct made_chain *made = chain_make(&(struct plan){ .hops = 2 });
	const struct arc_set *set;
	struct arc_result result;
	struct world world;

	(void)state;
	world_start(&world, true);
	assert_int_equal(validate(&world, made->text, &defaults, &world.arena, &result), 0);
	set = &result.sets[0];
	assert_slice_equal(set->cv, SLICE("none"));
	assert_slice_equal(set->authserv_id, SLICE("mx1.example"));
	assert_int_equal(set->methods_count, 1);
	assert_slice_equal(set->methods[0].method, SLICE("dmarc"));
	assert_slice_equal(set->methods[0].result, SLICE("pass"));
	assert_slice_equal(set->methods[0].properties[0].value, SLICE("author.example"));
	assert_slice_equal(set->seal.as.domain, SLICE("h1.example"));
	assert_slice_equal(set->message_signature.as.selector, SLICE("k"));
	assert_true(set->seal.looked_at && !set->message_signature.looked_at && !set->believable);
	assert_int_equal(set->seal.as.result, DKIM_PASS);
	assert_true(result.sets[1].message_signature.looked_at);
	assert_slice_equal(result.sets[1].cv, SLICE("pass"));
	world_deinit(&world);
	free(made);
}

/* Appendix B: of its keys nothing is known but the size. */
static void test_rfc_example(void **state)
{
	static const struct dkim_config short_keys = { .rsa_bits_min = 512, .rsa_bits_max = 4096, .clock_drift_s = 300,
						       .verify_us_max = 5000 };
	static const char *const keys[] = { "dk-lists._domainkey.lists.example.org",
		                            "20120806._domainkey.gmail.example",
		                            "clochette._domainkey.clochette.example.org" };
	static const char *const words[] = { "none", "pass", "pass" };
	static const char *const ids[] = { "lists.example.org", "gmail.example", "clochette.example.org" };
	struct mail_message message;
	struct arc_result result;
	struct world world;

	(void)state;
	world_init(&world);
	world.eager = true;
	world.signature_forced = SIGNATURE_VALID;
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		world_txt(&world, keys[i], RFC8617_KEY);
	assert_int_equal(mail_parse(SLICE(RFC8617_MESSAGE), &wide, &world.arena, &message), MAIL_OK);
	assert_int_equal(arc_validate(&message, NOW, &defaults, &short_keys, &world.ask, &world.arena, &result), 0);
	assert_result("rfc8617", &result, ARC_PASS, REASON_ARC_PASS);
	assert_int_equal(result.instance, 3);
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		assert_slice_equal(result.sets[i].cv, slice_of_str(words[i]));
		assert_slice_equal(result.sets[i].authserv_id, slice_of_str(ids[i]));
		assert_int_equal(result.sets[i].methods_count, i == 0 ? 3 : 4);
		assert_slice_equal(result.sets[i].methods[2].method, SLICE("dmarc"));
		assert_slice_equal(result.sets[i].methods[2].result, i == 0 ? SLICE("pass") : SLICE("fail"));
	}
	world_deinit(&world);
}

/* RFC 8301 is older than ARC: what a site still allows of DKIM does not count here. */
static void test_sha1(void **state)
{
	static const struct dkim_config lenient = { .rsa_bits_min = 512, .rsa_bits_max = 4096, .allow_rsa_sha1 = true,
						    .verify_us_max = 5000 };
	struct mail_message message;
	struct arc_result result;
	struct world world;
	char *text = strdup(RFC8617_MESSAGE);

	(void)state;
	memcpy(strstr(text, "rsa-sha256; cv=none"), "rsa-sha1;  ", 11);
	world_init(&world);
	world.eager = true;
	world.signature_forced = SIGNATURE_VALID;
	world_txt(&world, "dk-lists._domainkey.lists.example.org", RFC8617_KEY);
	world_txt(&world, "20120806._domainkey.gmail.example", RFC8617_KEY);
	world_txt(&world, "clochette._domainkey.clochette.example.org", RFC8617_KEY);
	assert_int_equal(mail_parse(slice_of_str(text), &wide, &world.arena, &message), MAIL_OK);
	assert_int_equal(arc_validate(&message, NOW, &defaults, &lenient, &world.ask, &world.arena, &result), 0);
	assert_result("sha1", &result, ARC_FAIL, REASON_ARC_SEAL);
	assert_int_equal(result.sets[0].seal.as.reason.id, REASON_DKIM_ALGORITHM_REFUSED);
	world_deinit(&world);
	free(text);
}

/* The text with the first `from` replaced. To be freed. */
static char *replaced(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char *out = malloc(strlen(text) + strlen(to) + 1);

	if (!at)
		fail_msg("no \"%s\"", from);
	assert_non_null(out);
	sprintf(out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	return out;
}

#define RESULTS_1 "arc-authentication-results:i=1;"
#define AMS_2     "arc-message-signature:i=2;"
#define AMS_1     "arc-message-signature:i=1;"
#define SEAL_2    "arc-seal:i=2; cv=pass;"
#define SEAL_1    "arc-seal:i=1; cv=none;"

static const struct {
	const char *name, *from, *to;
	enum arc_word word;
	enum reason_id reason;
} rules[] = {
	/* Section 5.2 step 2: the newest seal's word alone. */
	{ "newest_cv_fail", SEAL_2, "arc-seal:i=2; cv=fail;", ARC_FAIL, REASON_ARC_CV_FAIL },
	{ "newest_cv_fail_in_capitals", SEAL_2, "arc-seal:i=2; cv=FAIL;", ARC_FAIL, REASON_ARC_CV_FAIL },
	/* Step 3.C */
	{ "cv_pass_of_the_first", SEAL_1, "arc-seal:i=1; cv=pass;", ARC_FAIL, REASON_ARC_CV },
	{ "cv_fail_of_the_first", SEAL_1, "arc-seal:i=1; cv=fail;", ARC_FAIL, REASON_ARC_CV },
	{ "cv_none_of_the_second", SEAL_2, "arc-seal:i=2; cv=none;", ARC_FAIL, REASON_ARC_CV },
	{ "cv_missing", SEAL_2, "arc-seal:i=2;", ARC_FAIL, REASON_ARC_CV },
	{ "cv_empty", SEAL_2, "arc-seal:i=2; cv=;", ARC_FAIL, REASON_ARC_CV },
	{ "cv_unknown", SEAL_2, "arc-seal:i=2; cv=passed;", ARC_FAIL, REASON_ARC_CV },
	{ "cv_name_in_capitals", SEAL_2, "arc-seal:i=2; CV=pass;", ARC_FAIL, REASON_ARC_CV },
	/* Steps 3.A, 3.B */
	{ "no_seal", "arc-seal:i=2", "x-seal:i=2", ARC_FAIL, REASON_ARC_FIELD_MISSING },
	{ "no_first_seal", "arc-seal:i=1", "x-seal:i=1", ARC_FAIL, REASON_ARC_FIELD_MISSING },
	{ "no_message_signature", "arc-message-signature:i=2", "x:i=2", ARC_FAIL, REASON_ARC_FIELD_MISSING },
	{ "no_results", "arc-authentication-results:i=1", "x:i=1", ARC_FAIL, REASON_ARC_FIELD_MISSING },
	{ "gap", "arc-seal:i=2", "arc-seal:i=3", ARC_FAIL, REASON_ARC_FIELD_MISSING },
	{ "seal_twice", "arc-seal:i=2", "arc-seal:i=1", ARC_FAIL, REASON_ARC_FIELD_TWICE },
	{ "results_twice", "arc-authentication-results:i=2", "arc-authentication-results:i=1", ARC_FAIL,
	  REASON_ARC_FIELD_TWICE },
	{ "message_signature_twice", AMS_2, AMS_1, ARC_FAIL, REASON_ARC_FIELD_TWICE },
	{ "a_set_beside_it", "from:Joe", "ARC-Seal: i=7; cv=pass\r\nfrom:Joe", ARC_FAIL, REASON_ARC_FIELD_MISSING },
	/* Section 4.2.1 */
	{ "instance_0", "arc-seal:i=1", "arc-seal:i=0", ARC_FAIL, REASON_ARC_INSTANCE },
	{ "instance_51", "arc-seal:i=1", "arc-seal:i=51", ARC_FAIL, REASON_ARC_INSTANCE },
	{ "instance_of_three_digits", "arc-seal:i=1", "arc-seal:i=001", ARC_FAIL, REASON_ARC_INSTANCE },
	{ "instance_empty", AMS_1, "arc-message-signature:i=;", ARC_FAIL, REASON_ARC_INSTANCE },
	{ "instance_signed", AMS_1, "arc-message-signature:i=+1;", ARC_FAIL, REASON_ARC_INSTANCE },
	{ "instance_missing", AMS_1, "arc-message-signature:", ARC_FAIL, REASON_ARC_INSTANCE },
	{ "instance_in_capitals", AMS_1, "arc-message-signature:I=1;", ARC_FAIL, REASON_ARC_INSTANCE },
	{ "a_tag_twice", AMS_1, "arc-message-signature:i=1; a=x;", ARC_FAIL, REASON_ARC_INSTANCE },
	{ "results_instance_behind", RESULTS_1, "arc-authentication-results:mx; i=1;", ARC_FAIL, REASON_ARC_INSTANCE },
	{ "results_instance_alone", RESULTS_1, "arc-authentication-results:i=1", ARC_FAIL, REASON_ARC_INSTANCE },
	{ "results_instance_in_capitals", RESULTS_1, "arc-authentication-results:I=1;", ARC_FAIL, REASON_ARC_INSTANCE },
	{ "results_instance_51", RESULTS_1, "arc-authentication-results:i=51;", ARC_FAIL, REASON_ARC_INSTANCE },
	{ "results_comment_open", RESULTS_1, "arc-authentication-results:(i=1;", ARC_FAIL, REASON_ARC_INSTANCE },
	/* Steps 4 and 6 */
	{ "seal_with_names", SEAL_1, SEAL_1 " h=from;", ARC_FAIL, REASON_ARC_SEAL },
	{ "seal_with_sha1", "arc-seal:i=1; cv=none; a=ed25519-sha256", "arc-seal:i=1; cv=none; a=rsa-sha1", ARC_FAIL,
	  REASON_ARC_SEAL },
	{ "seal_without_signature", "b=", "x=", ARC_FAIL, REASON_ARC_SEAL },
	{ "seal_of_a_missing_key", "d=h1.example; s=k; t=", "d=h1.example; s=none; t=", ARC_FAIL, REASON_ARC_SEAL },
	{ "names_the_seal", "h=from:", "h=arc-seal:from:", ARC_FAIL, REASON_ARC_MESSAGE_SIGNATURE },
	{ "body_changed", "Hi.", "Ho.", ARC_FAIL, REASON_ARC_MESSAGE_SIGNATURE },
	{ "body_part", AMS_2, AMS_2 " l=0;", ARC_FAIL, REASON_ARC_MESSAGE_SIGNATURE },
	{ "expired", AMS_2, AMS_2 " x=1500000000;", ARC_FAIL, REASON_ARC_MESSAGE_SIGNATURE },
	{ "unknown_canonicalization", "c=relaxed/relaxed", "c=future", ARC_FAIL, REASON_ARC_MESSAGE_SIGNATURE },
	/* Nothing of this breaks a chain. */
	{ "older_message_signature_expired", AMS_1, AMS_1 " x=1500000000;", ARC_PASS, REASON_ARC_PASS },
	{ "version_is_ignored", AMS_2, AMS_2 " v=2;", ARC_PASS, REASON_ARC_PASS },
	{ "unknown_tag_in_seal", SEAL_2, SEAL_2 " q=x; c=y;", ARC_PASS, REASON_ARC_PASS },
	{ "a_clock_ahead", "t=1600000000", "t=1700000000", ARC_PASS, REASON_ARC_PASS },
	{ "a_field_on_top", "arc-seal:i=2", "subject:x\r\narc-seal:i=2", ARC_PASS, REASON_ARC_PASS },
	{ "instance_of_two_digits", "arc-seal:i=1", "arc-seal:i=01", ARC_PASS, REASON_ARC_PASS },
	{ "instance_at_the_end", SEAL_1, "ARC-SEAL: cv = None ;i=1;", ARC_PASS, REASON_ARC_PASS },
	{ "results_with_comments", RESULTS_1, "arc-authentication-results: (a) i (b)\r\n = (c) 1 (d);", ARC_PASS,
	  REASON_ARC_PASS },
	{ "results_nobody_can_read", "mx1.example;", "\"mx1.example", ARC_PASS, REASON_ARC_PASS },
};

static void test_rules(void **state)
{
	struct made_chain *made = chain_make(&(struct plan){ .hops = 2 });

	(void)state;
	for (size_t i = 0; i < 2 * COUNT_OF(rules); i++) {
		char *text = replaced(made->text, rules[i / 2].from, rules[i / 2].to);
		struct arc_result result;
		struct world world;

		world_start(&world, i % 2);
		world.signature_forced = SIGNATURE_VALID;
		assert_int_equal(validate(&world, text, &defaults, &world.arena, &result), 0);
		assert_result(rules[i / 2].name, &result, rules[i / 2].word, rules[i / 2].reason);
		world_deinit(&world);
		free(text);
	}
	free(made);
}

/* Section 5.2.1, STANDARDS chapter 10 no. 6: there is nothing temporary about it; and a fault is never a pass. */
static void test_every_error_is_permanent(void **state)
{
	static const enum dns_outcome outcomes[] = { DNS_SERVFAIL, DNS_BOGUS, DNS_TIMEOUT, DNS_INVALID, DNS_SILENT, DNS_NODATA };
	struct made_chain *made = chain_make(&(struct plan){ .hops = 2 });
	char *text = replaced(made->text, "d=h1.example; s=k; t=", "d=h1.example; s=slow; t=");
	struct arc_result result;
	struct world world;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(outcomes); i++) {
		world_start(&world, i % 2);
		world.signature_forced = SIGNATURE_VALID;
		world_outcome(&world, "slow._domainkey.h1.example", DNS_TXT, outcomes[i]);
		assert_int_equal(validate(&world, text, &defaults, &world.arena, &result), 0);
		assert_result("dns", &result, ARC_FAIL, REASON_ARC_SEAL);
		world_deinit(&world);
	}
	for (enum signature_answer answer = SIGNATURE_INVALID; answer <= SIGNATURE_FAULT; answer++) {
		world_start(&world, false);
		world.signature_forced = answer;
		assert_int_equal(validate(&world, made->text, &defaults, &world.arena, &result), 0);
		assert_result("signature", &result, ARC_FAIL, REASON_ARC_MESSAGE_SIGNATURE);
		assert_false(result.sets[0].seal.looked_at);
		world_deinit(&world);
	}
	world_start(&world, false);
	world.lookups_max = 1;
	assert_int_equal(validate(&world, made->text, &defaults, &world.arena, &result), 0);
	assert_result("budget", &result, ARC_FAIL, REASON_ARC_SEAL);
	world_deinit(&world);
	free(text);
	free(made);
}

/* Whatever octet is changed, the chain does not pass. */
static void test_damaged_chains(void **state)
{
	struct made_chain *made = chain_make(&(struct plan){ .hops = 2 });

	(void)state;
	for (size_t i = 0; i < strlen(made->text); i++) {
		struct arc_result result;
		struct world world;

		made->text[i] ^= 1;
		world_start(&world, true);
		assert_int_equal(validate(&world, made->text, &defaults, &world.arena, &result), 0);
		if (result.result == ARC_PASS)
			fail_msg("octet %zu", i);
		world_deinit(&world);
		made->text[i] ^= 1;
	}
	free(made);
}

static void test_bounds(void **state)
{
	static const struct {
		unsigned hops, sets_max;
		enum arc_word word;
		enum reason_id reason;
	} cases[] = {
		{ 3, 2, ARC_FAIL, REASON_ARC_SETS_MANY },
		{ 3, 3, ARC_PASS, REASON_ARC_PASS },
		{ 32, ARC_SETS_VERIFIED_MAX, ARC_PASS, REASON_ARC_PASS },
		{ 50, ARC_SETS_VERIFIED_MAX, ARC_FAIL, REASON_ARC_SETS_MANY },
	};
	struct arc_config config = defaults;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct made_chain *made = chain_make(&(struct plan){ .hops = cases[i].hops });
		struct arc_result result;
		struct world world;

		world_start(&world, false);
		config.sets_max = cases[i].sets_max;
		config.find_oldest_pass = true;
		assert_int_equal(validate(&world, made->text, &config, &world.arena, &result), 0);
		assert_result("bound", &result, cases[i].word, cases[i].reason);
		assert_int_equal(result.instance, cases[i].hops);
		assert_int_equal(world.signatures_asked, cases[i].word == ARC_PASS ? 2 * cases[i].hops : 0);
		assert_int_equal(world.asked_count, cases[i].word == ARC_PASS ? cases[i].hops : 0);
		world_deinit(&world);
		free(made);
	}
}

/* Section 5.2 step 1: more than 50 of a name are not even read. */
static void test_fifty_one_sets(void **state)
{
	static char text[60 * 64];
	struct arc_result result;
	struct world world;
	char *at = text;

	(void)state;
	for (unsigned i = 0; i < 51; i++)
		at += sprintf(at, "ARC-Seal: i=%u; cv=fail\r\n", i + 1);
	world_start(&world, false);
	assert_int_equal(validate(&world, text, &defaults, &world.arena, &result), 0);
	assert_result("51", &result, ARC_FAIL, REASON_ARC_SETS_EXCESSIVE);
	*strstr(text, "ARC-Seal: i=51") = 'X';
	assert_int_equal(validate(&world, text, &defaults, &world.arena, &result), 0);
	assert_result("50", &result, ARC_FAIL, REASON_ARC_CV_FAIL);
	assert_int_equal(result.instance, 50);
	world_deinit(&world);
}

/* All keys and the body are asked for at once, then all signatures: never one set after the other. */
static void test_asks_everything_at_once(void **state)
{
	struct made_chain *made = chain_make(&(struct plan){ .hops = 5 });
	struct mail_message message;
	struct arc_result result;
	struct world world;

	(void)state;
	world_start(&world, false);
	assert_int_equal(mail_parse(slice_of_str(made->text), &wide, &world.arena, &message), MAIL_OK);
	assert_int_equal(arc_validate(&message, NOW, &defaults, &keys_of_today, &world.ask, &world.arena, &result),
	                 ASK_BLOCKED);
	assert_int_equal(world.asked_count, 5);
	assert_int_equal(world.bodies_asked, 1);
	assert_int_equal(arc_validate(&message, NOW, &defaults, &keys_of_today, &world.ask, &world.arena, &result),
	                 ASK_BLOCKED);
	assert_int_equal(world.signatures_asked, 6);
	assert_int_equal(arc_validate(&message, NOW, &defaults, &keys_of_today, &world.ask, &world.arena, &result), 0);
	assert_int_equal(result.result, ARC_PASS);
	assert_int_equal(arc_lookups(&message, &defaults), 6);
	world_deinit(&world);
	free(made);
}

static void test_off(void **state)
{
	static const struct arc_config off = { .sets_max = 10 };
	struct made_chain *made = chain_make(&(struct plan){ .hops = 1 });
	struct mail_message message;
	struct arc_result result;
	struct world world;

	(void)state;
	world_start(&world, false);
	assert_int_equal(validate(&world, made->text, &off, &world.arena, &result), 0);
	assert_result("off", &result, ARC_NONE, REASON_ARC_NOT_EVALUATED);
	assert_true(!result.evaluated && result.sets_count == 0 && world.asked_count == 0);
	assert_int_equal(mail_parse(slice_of_str(made->text), &wide, &world.arena, &message), MAIL_OK);
	assert_int_equal(arc_lookups(&message, &off), 0);
	world_deinit(&world);
	free(made);
}

/* Section 5.2 step 5. */
static void test_oldest_pass(void **state)
{
	static const struct {
		unsigned hops, changed_at;
		bool find, has;
		unsigned oldest_pass;
	} cases[] = {
		{ 1, 0, false, true, 0 }, { 1, 0, true, true, 0 }, { 4, 0, true, true, 0 }, { 4, 1, true, true, 0 },
		{ 4, 2, true, true, 2 },  { 4, 3, true, true, 3 }, { 4, 4, true, true, 4 }, { 4, 2, false, false, 0 },
	};
	struct arc_config config = defaults;

	(void)state;
	for (size_t i = 0; i < 2 * COUNT_OF(cases); i++) {
		struct made_chain *made = chain_make(
			&(struct plan){ .hops = cases[i / 2].hops, .changed_at = cases[i / 2].changed_at });
		struct arc_result result;
		struct world world;

		config.find_oldest_pass = cases[i / 2].find;
		world_start(&world, i % 2);
		assert_int_equal(validate(&world, made->text, &config, &world.arena, &result), 0);
		assert_result("oldest_pass", &result, ARC_PASS, REASON_ARC_PASS);
		assert_int_equal(result.has_oldest_pass, cases[i / 2].has);
		assert_int_equal(result.oldest_pass, cases[i / 2].oldest_pass);
		world_deinit(&world);
		free(made);
	}
}

/* STANDARDS 4.2: who is believed, of three hops; '1' for each that is, the first hop first. */
static void test_trust(void **state)
{
	static const struct {
		const char *name;
		struct slice sealers[3];
		unsigned changed_at;
		const char *names, *believed;
		unsigned witness;
	} cases[] = {
		{ "nobody_is_listed", { { 0 } }, 0, NULL, "000", 0 },
		{ "another_is_listed", { SLICE_INIT("h4.example") }, 0, NULL, "000", 0 },
		{ "a_name_above_is_listed", { SLICE_INIT("example") }, 0, NULL, "000", 0 },
		{ "first_is_listed_and_others_changed_it", { SLICE_INIT("h1.example") }, 2, NULL, "000", 0 },
		{ "middle_is_listed_and_the_last_changed_it", { SLICE_INIT("h2.example") }, 3, NULL, "000", 0 },
		{ "a_stranger_between_changed_it", { SLICE_INIT("h3.example"), SLICE_INIT("h1.example") }, 2, NULL, "001", 3 },
		{ "from_is_not_signed", { SLICE_INIT(".example") }, 0, "subject", "000", 0 },
		{ "newest", { SLICE_INIT("h3.example") }, 2, NULL, "001", 3 },
		{ "first_and_nobody_changed_it", { SLICE_INIT("h1.example") }, 0, NULL, "100", 1 },
		{ "a_stranger_between_changed_nothing", { SLICE_INIT("h3.example"), SLICE_INIT("h1.example") }, 0, NULL,
		  "101", 3 },
		{ "all_changed_by_each", { SLICE_INIT("h3.example"), SLICE_INIT("h1.example"), SLICE_INIT("h2.example") }, 3,
		  NULL, "111", 3 },
		{ "all_below_a_name", { SLICE_INIT(".example") }, 3, NULL, "111", 3 },
	};

	(void)state;
	for (size_t i = 0; i < 2 * COUNT_OF(cases); i++) {
		struct made_chain *made =
			chain_make(&(struct plan){ .hops = 3, .changed_at = cases[i / 2].changed_at, .names = cases[i / 2].names });
		struct arc_config config = defaults;
		char believed[4] = "000";
		struct arc_result result;
		struct world world;

		config.trusted_sealers = cases[i / 2].sealers;
		while (config.trusted_sealers_count < 3 && config.trusted_sealers[config.trusted_sealers_count].len)
			config.trusted_sealers_count++;
		world_start(&world, i % 2);
		assert_int_equal(validate(&world, made->text, &config, &world.arena, &result), 0);
		assert_result(cases[i / 2].name, &result, ARC_PASS, REASON_ARC_PASS);
		for (size_t k = 0; k < 3; k++)
			believed[k] = result.sets[k].believable ? '1' : '0';
		if (strcmp(believed, cases[i / 2].believed) != 0)
			fail_msg("%s: %s", cases[i / 2].name, believed);
		assert_int_equal(arc_witness(&result, SLICE("author.example")), cases[i / 2].witness);
		result.result = ARC_FAIL; /* as good as no chain */
		assert_int_equal(arc_witness(&result, SLICE("author.example")), 0);
		world_deinit(&world);
		free(made);
	}
}

/* What a trusted hop has to have found for it to be a witness. */
static void test_witness(void **state)
{
	static const struct slice listed[] = { SLICE_INIT("h1.example") };
	static const struct {
		const char *findings;
		unsigned witness;
	} cases[] = {
		{ "none", 0 },
		{ "dmarc=fail header.from=author.example", 0 },
		{ "dmarc=pass", 0 },
		{ "dmarc=pass header.from=other.example", 0 },
		{ "dmarc=pass header.from=sub.author.example", 0 },
		{ "dmarc=pass smtp.from=author.example", 0 },
		{ "spf=pass header.from=author.example; dkim=pass header.from=author.example", 0 },
		{ "dmarc=fail header.from=author.example; dmarc=pass header.from=author.example", 0 },
		{ "dmarc=pass (header.from=author.example)", 0 },
		{ "dmarc=pass header.from=author.example", 1 },
		{ "spf=fail; DMARC=Pass policy.dmarc=none Header.From=AUTHOR.example", 1 },
		{ "dmarc=fail header.from=other.example; dmarc=pass header.from=author.example", 1 },
	};
	struct arc_config config = defaults;

	(void)state;
	config.trusted_sealers = listed;
	config.trusted_sealers_count = 1;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct made_chain *made = chain_make(&(struct plan){ .hops = 1, .findings = cases[i].findings });
		struct arc_result result;
		struct world world;

		world_start(&world, true);
		assert_int_equal(validate(&world, made->text, &config, &world.arena, &result), 0);
		assert_result(cases[i].findings, &result, ARC_PASS, REASON_ARC_PASS);
		if (arc_witness(&result, SLICE("author.example")) != cases[i].witness)
			fail_msg("%s", cases[i].findings);
		world_deinit(&world);
		free(made);
	}
}

/* Findings are bounded in number, and shown up to where they can be read. */
static void test_findings_bounds(void **state)
{
	char findings[480], *at = findings;
	struct made_chain *made;
	struct arc_result result;
	struct world world;

	(void)state;
	at += sprintf(at, "a=b");
	for (unsigned i = 0; i < ARC_PROPERTIES_MAX + 1; i++)
		at += sprintf(at, " x.y=z");
	for (unsigned i = 0; i < ARC_METHODS_MAX; i++)
		at += sprintf(at, "; c=d");
	made = chain_make(&(struct plan){ .hops = 1, .findings = findings });
	world_start(&world, true);
	assert_int_equal(validate(&world, made->text, &defaults, &world.arena, &result), 0);
	assert_int_equal(result.sets[0].methods_count, ARC_METHODS_MAX);
	assert_int_equal(result.sets[0].methods[0].properties_count, ARC_PROPERTIES_MAX);
	world_deinit(&world);
	free(made);
	made = chain_make(&(struct plan){ .hops = 1, .findings = "spf=pass; (((; dkim=pass" });
	world_start(&world, true);
	assert_int_equal(validate(&world, made->text, &defaults, &world.arena, &result), 0);
	assert_int_equal(result.sets[0].methods_count, 1);
	world_deinit(&world);
	free(made);
}

/* However little memory there is: -ENOMEM, or the right result; never another one. */
static void test_memory(void **state)
{
	static const struct slice listed[] = { SLICE_INIT("h1.example") };
	const struct arc_config config = { .verify = true, .sets_max = 10, .trusted_sealers = listed,
		                           .trusted_sealers_count = 1 };
	struct made_chain *made = chain_make(&(struct plan){ .hops = 2 });
	int result = -ENOMEM;
	size_t failed = 0;

	(void)state;
	for (size_t bytes = 0; result == -ENOMEM; bytes += 16) {
		struct arc_result got;
		struct world world;
		struct arena arena;

		world_start(&world, true);
		world.signature_forced = SIGNATURE_VALID;
		arena_init(&arena, bytes);
		result = validate(&world, made->text, &config, &arena, &got);
		if (result == 0)
			assert_true(got.result == ARC_PASS && got.sets[0].believable && got.sets[0].methods_count == 1);
		failed += result == -ENOMEM;
		arena_deinit(&arena);
		world_deinit(&world);
		assert_true(bytes < 1 << 20);
	}
	assert_int_equal(result, 0);
	assert_true(failed > 20);
	free(made);
}

UNIT_MAIN(cmocka_unit_test(test_real_chains), cmocka_unit_test(test_hops_are_shown), cmocka_unit_test(test_rfc_example),
          cmocka_unit_test(test_sha1),
          cmocka_unit_test(test_rules), cmocka_unit_test(test_every_error_is_permanent),
          cmocka_unit_test(test_damaged_chains), cmocka_unit_test(test_bounds), cmocka_unit_test(test_fifty_one_sets),
          cmocka_unit_test(test_asks_everything_at_once), cmocka_unit_test(test_off), cmocka_unit_test(test_oldest_pass),
          cmocka_unit_test(test_trust), cmocka_unit_test(test_witness), cmocka_unit_test(test_findings_bounds),
          cmocka_unit_test(test_memory))
