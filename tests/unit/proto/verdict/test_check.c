/*
 * Goal:   SPF, DKIM and DMARC make one verdict in which nothing that was not proved counts, and the field says it.
 * Method: whole messages in a scripted world where signatures of key "s" are valid; negative ones first. Each vector is
 *         run with answers at hand and with each pending first: the same verdict, octet for octet; each field is read
 *         back by a strict reader; each allocation fails once.
 */
#include "proto/verdict/verdict.h"

#include "proto/mail/domain.h"

#include "../authres/checker.h"
#include "unit.h"
#include "world.h"

/* An empty body, simple canonicalization; the signature itself is forced to be valid. */
#define BH           "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="
#define B            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaQ=="
#define SIGNED(d, s) "DKIM-Signature: v=1; a=ed25519-sha256; d=" d "; s=" s "; h=from;\r\n\tbh=" BH ";\r\n\tb=" B "\r\n"
#define KEY          "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define FROM         "From: Bob <bob@b.example>\r\n"
#define END          "\r\n"
#define LINE         "\r\n\t"

static const struct verdict_config config = {
	.authserv_id = { (const uint8_t *)"mx", 2 },
	.spf = { .lookups_max = 10, .void_lookups_max = 2 },
	.dkim = { .signatures_max = 8, .rsa_bits_min = 1024, .rsa_bits_max = 4096, .clock_drift_s = 300,
		  .verify_us_max = 5000 },
	.bounds = { .header_octets_max = 8192, .fields_max = 20, .field_octets_max = 4096 },
};

/* b.example: SPF for 192.0.2.1, a key, p=reject. c.example: SPF for the same host, a key. */
static void world_fill(struct world *world)
{
	world_init(world);
	world->signature_forced = SIGNATURE_VALID;
	world_txt(world, "b.example", "v=spf1 ip4:192.0.2.1 -all");
	world_txt(world, "c.example", "v=spf1 ip4:192.0.2.1 -all");
	world_outcome(world, "slow.b.example", DNS_TXT, DNS_TIMEOUT);
	world_txt(world, "s._domainkey.b.example", KEY);
	world_txt(world, "t._domainkey.b.example", KEY "; t=y");
	world_txt(world, "s._domainkey.c.example", KEY);
	world_outcome(world, "slow._domainkey.b.example", DNS_TXT, DNS_TIMEOUT);
	world_outcome(world, "slow._domainkey.c.example", DNS_TXT, DNS_TIMEOUT);
	world_txt(world, "_dmarc.b.example", "v=DMARC1; p=reject");
}

struct vector {
	const char *what, *helo, *mail_from, *message;
	enum dmarc_word dmarc;
	enum dmarc_policy disposition;
	const char *aligned; /* of "s", "d" */
	const char *field;   /* behind "mx"; NULL: not asserted */
};

#define REJECTED DMARC_POLICY_REJECT
#define ACCEPTED DMARC_POLICY_NONE

static const struct vector vectors[] = {
	{ "nothing proved", "h.c.example", "a@d.example", FROM END, DMARC_RESULT_FAIL, REJECTED, "",
	  ";" LINE "spf=none smtp.mailfrom=d.example;" LINE "spf=none smtp.helo=h.c.example;" LINE "dkim=none;" LINE
	  "dmarc=fail reason=\"neither SPF nor DKIM passed, and b.example has a policy\"" LINE
	  "header.from=b.example policy.dmarc=reject" },
	{ "proved for another domain", "c.example", "a@c.example", SIGNED("c.example", "s") FROM END, DMARC_RESULT_FAIL,
	  REJECTED, "", NULL },
	{ "an aligned HELO does not count beside a MAIL FROM (CVE-2019-20790, LESSONS 15)", "b.example", "a@c.example",
	  FROM END, DMARC_RESULT_FAIL, REJECTED, "",
	  ";" LINE "spf=pass smtp.mailfrom=c.example;" LINE "spf=pass smtp.helo=b.example;" LINE "dkim=none;" LINE
	  "dmarc=fail reason=\"c.example passed but is not of the same organization as" LINE
	  "the author domain b.example\" header.from=b.example policy.dmarc=reject" },
	{ "nor for a MAIL FROM that does not exist (CK A1)", "b.example", "a@none.b.example", FROM END,
	  DMARC_RESULT_FAIL, REJECTED, "", NULL },
	{ "nor for one that is no address (CK A2)", "b.example", "(a@b.example", FROM END, DMARC_RESULT_FAIL, REJECTED,
	  "", NULL },
	{ "part of the body unsigned (LESSONS 10)", "h.d.example", "a@d.example",
	  "DKIM-Signature: v=1; a=ed25519-sha256; d=b.example; s=s; h=from; "
	  "l=0;\r\n\tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJ"
	  "WZG3hSuFU=;\r\n\tb=" B "\r\n" FROM END "x\r\n",
	  DMARC_RESULT_FAIL, REJECTED, "", NULL },
	{ "body changed", "h.d.example", "a@d.example", SIGNED("b.example", "s") FROM END "x\r\n", DMARC_RESULT_FAIL,
	  REJECTED, "", NULL },
	{ "key look-up timed out (LESSONS 1)", "h.d.example", "a@d.example", SIGNED("b.example", "slow") FROM END,
	  DMARC_RESULT_TEMPERROR, ACCEPTED, "", NULL },
	{ "of a stranger's key: not our trouble", "h.d.example", "a@d.example", SIGNED("c.example", "slow") FROM END,
	  DMARC_RESULT_FAIL, REJECTED, "", NULL },
	{ "SPF timed out (LESSONS 1)", "h.d.example", "a@slow.b.example", FROM END, DMARC_RESULT_TEMPERROR, ACCEPTED,
	  "", NULL },
	{ "no From field", "b.example", "a@b.example", SIGNED("b.example", "s") "To: a@b.example\r\n" END,
	  DMARC_RESULT_PERMERROR, ACCEPTED, "", NULL },
	{ "two From fields (CK A10)", "b.example", "a@b.example",
	  SIGNED("b.example", "s") FROM "From: a@d.example\r\n" END, DMARC_RESULT_PERMERROR, REJECTED, "", NULL },
	{ "malformed From field", "b.example", "a@b.example", SIGNED("b.example", "s") "From: a@b.example <x>\r\n" END,
	  DMARC_RESULT_PERMERROR, REJECTED, "", NULL },
	{ "empty message", "b.example", "a@b.example", "", DMARC_RESULT_PERMERROR, ACCEPTED, "", NULL },
	{ "no policy", "c.example", "a@c.example", SIGNED("c.example", "s") "From: a@c.example\r\n" END,
	  DMARC_RESULT_NONE, ACCEPTED, "", NULL },
	{ "a group without an address (RFC 6854)", "b.example", "a@b.example", "From: Robot:;\r\n" END,
	  DMARC_RESULT_NONE, ACCEPTED, "", NULL },
	/* Octets of the sender in the field (LESSONS 14, CK A4 and A5). */
	{ "forged result as MAIL FROM", "b.example", "a@b.example;\r\n\tdmarc=pass", FROM END, DMARC_RESULT_FAIL,
	  REJECTED, "", NULL },
	{ "forged result as HELO", "x; dmarc=pass header.from=b.example", "", FROM END, DMARC_RESULT_FAIL, REJECTED, "",
	  NULL },
	{ "comment in d=", "h.d.example", "a@d.example", SIGNED("b.example(.d.example", "s") FROM END,
	  DMARC_RESULT_FAIL, REJECTED, "", NULL },
	{ "quote in s= and i=", "h.d.example", "a@d.example",
	  SIGNED("b.example", "s\"; dmarc=pass i=\"@b.example") FROM END, DMARC_RESULT_FAIL, REJECTED, "", NULL },
	/* Passing. */
	{ "both", "b.example", "a@b.example", SIGNED("b.example", "s") FROM END, DMARC_RESULT_PASS, ACCEPTED, "sd",
	  ";" LINE "spf=pass smtp.mailfrom=b.example;" LINE "spf=pass smtp.helo=b.example;" LINE
	  "dkim=pass header.d=b.example header.i=@b.example header.s=s" LINE
	  "header.a=ed25519-sha256 header.b=aaaaaaaa;" LINE "dmarc=pass header.from=b.example policy.dmarc=reject" },
	{ "DKIM alone, second of two", "h.d.example", "a@d.example",
	  SIGNED("c.example", "s") SIGNED("b.example", "s") FROM END, DMARC_RESULT_PASS, ACCEPTED, "d", NULL },
	{ "a key in testing counts", "h.d.example", "a@d.example", SIGNED("b.example", "t") FROM END, DMARC_RESULT_PASS,
	  ACCEPTED, "d", NULL },
	{ "null reverse-path: HELO is the identity (RFC 7208 2.4)", "b.example", "", FROM END, DMARC_RESULT_PASS,
	  ACCEPTED, "s",
	  ";" LINE "spf=pass smtp.helo=b.example;" LINE "dkim=none;" LINE
	  "dmarc=pass header.from=b.example policy.dmarc=reject" },
	{ "pass beside a time-out", "h.d.example", "a@b.example", SIGNED("b.example", "slow") FROM END,
	  DMARC_RESULT_PASS, ACCEPTED, "s", NULL },
};

static struct verdict_input input_of(const struct vector *v)
{
	struct verdict_input input = { .has_client = true,
				       .helo = slice_of_str(v->helo),
				       .mail_from = slice_of_str(v->mail_from),
				       .message = slice_of_str(v->message),
				       .received_at = 1795000000 };

	assert_true(ip_parse(SLICE("192.0.2.1"), &input.client));
	return input;
}

static int run_as(const struct verdict_config *as, const struct verdict_input *input, struct world *world,
		  struct arena *arena, struct verdict *verdict)
{
	struct verdict_reading reading;
	int result;

	TRY(verdict_read_message(input, as, arena, &reading));
	for (unsigned passes = 0;; passes++) {
		assert_in_range(passes, 0, 12);
		result = verdict_check_message(input, as, &reading, &world->ask, arena, verdict);
		if (result != ASK_BLOCKED)
			return result;
	}
}

static int run(const struct verdict_input *input, struct world *world, struct arena *arena, struct verdict *verdict)
{
	return run_as(&config, input, world, arena, verdict);
}

static void assert_grammatical(struct slice field)
{
	struct checker checker = checker_run(field);

	if (checker.breach)
		fail_msg("%s at %zu: %.*s", checker.breach, checker.at, SLICE_FMT(field));
}

static void check(const struct vector *v, const struct verdict *verdict)
{
	bool spf = strchr(v->aligned, 's'), dkim = strchr(v->aligned, 'd');
	struct slice field = verdict->authentication_results;

	if (verdict->dmarc.result != v->dmarc || verdict->dmarc.disposition != v->disposition)
		fail_msg("%s: %s %s", v->what, dmarc_word_text(verdict->dmarc.result),
			 dmarc_policy_text(verdict->dmarc.disposition));
	if (verdict->dmarc.spf_aligned != spf || verdict->dmarc.dkim_aligned != dkim)
		fail_msg("%s: alignment", v->what);
	assert_grammatical(field);
	assert_int_equal(checker_run(field).methods, 1 + (unsigned)verdict->has_spf_helo + 1 +
							     (unsigned)(verdict->dkim.count ? verdict->dkim.count : 1));
	assert_true(slice_starts_with(field, SLICE("mx;")));
	if (v->field)
		assert_slice_equal(slice_from(field, 2), slice_of_str(v->field));
}

static void test_vectors(void **state)
{
	static struct world world;
	struct verdict verdict;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		struct verdict_input input = input_of(&vectors[i]);
		char first[4096];

		for (int eager = 0; eager < 2; eager++) {
			world_fill(&world);
			world.eager = eager;
			assert_int_equal(run(&input, &world, &world.arena, &verdict), 0);
			check(&vectors[i], &verdict);
			if (!eager)
				sprintf(first, "%.*s", SLICE_FMT(verdict.authentication_results));
			assert_slice_equal(verdict.authentication_results, slice_of_str(first));
			world_deinit(&world);
		}
	}
}

static const struct vector *vector_of(const char *what)
{
	for (size_t i = 0; i < COUNT_OF(vectors); i++)
		if (!strcmp(vectors[i].what, what))
			return &vectors[i];
	fail_msg("%s", what);
	return NULL;
}

struct told {
	const struct world *world;
	unsigned count;
};

static void name_is_asked(void *arg, struct slice name)
{
	struct told *told = arg;
	char text[256];

	sprintf(text, "%.*s", SLICE_FMT(name));
	if (world_times_asked(told->world, text, DNS_TXT) != 1)
		fail_msg("%s was told, and not asked for", text);
	told->count++;
}

/* SPF of both identities, the key, and the policy walk are under way together: one round trip, not four. What is told ahead is among it. */
static void test_first_pass_asks_for_all_parts(void **state)
{
	static const char *const names[] = { "b.example", "h.d.example", "s._domainkey.b.example", "_dmarc.b.example",
					     "_dmarc.example" };
	static struct world world;
	struct verdict_input input = input_of(vector_of("both"));
	struct told told = { .world = &world };
	struct verdict_reading reading;
	struct verdict verdict;

	(void)state;
	world_fill(&world);
	input.helo = SLICE("h.d.example");
	assert_int_equal(verdict_read_message(&input, &config, &world.arena, &reading), 0);
	assert_int_equal(verdict_check_message(&input, &config, &reading, &world.ask, &world.arena, &verdict), ASK_BLOCKED);
	assert_int_equal(world.asked_count, COUNT_OF(names));
	for (size_t i = 0; i < COUNT_OF(names); i++)
		assert_int_equal(world_times_asked(&world, names[i], DNS_TXT), 1);
	assert_int_equal(world.bodies_asked, 1);
	verdict_first_names(&input, &reading, name_is_asked, &told);
	assert_int_equal(told.count, 4); /* the walk's second name is left to the walk */
	world_deinit(&world);
}

/* LESSONS 22: over a bound is for good, says which one, and proves nothing; the policy still speaks. */
static void test_header_over_bounds(void **state)
{
	static const struct {
		const char *line;
		unsigned times;
		enum reason_id reason;
		const char *text;
	} over[] = {
		{ "X-A: b\r\n", 20, REASON_HEADER_TOO_MANY_FIELDS, "the header has more than 20 fields" },
		{ "X-Long:", 1, REASON_HEADER_FIELD_TOO_LARGE, "the header field X-Long is larger than 4096 octets" },
		{ "X-B:", 3, REASON_HEADER_TOO_LARGE, "the header is larger than 8192 octets" },
	};
	static struct world world;
	struct verdict verdict;
	struct slice text;
	char message[20000];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(over); i++) {
		struct verdict_input input = input_of(vector_of("both"));
		size_t len = (size_t)sprintf(message, "%s%s", SIGNED("b.example", "s"), FROM);

		for (unsigned k = 0; k < over[i].times; k++) {
			len += (size_t)sprintf(message + len, "%s", over[i].line);
			if (i > 0)
				len += (size_t)sprintf(message + len, "%0*d\r\n", i == 1 ? 5000 : 3000, 0);
		}
		len += (size_t)sprintf(message + len, "\r\n");
		input.message = slice_of(message, len);
		world_fill(&world);
		assert_int_equal(run(&input, &world, &world.arena, &verdict), 0);
		assert_true(verdict.flags.header_over_bounds);
		assert_true(verdict.flags.malformed_from);
		assert_int_equal(verdict.spf.result, SPF_PASS);
		assert_int_equal(verdict.dkim.count, 0);
		assert_int_equal(verdict.dmarc.result, DMARC_RESULT_PERMERROR);
		assert_int_equal(verdict.dmarc.disposition, DMARC_POLICY_REJECT);
		assert_int_equal(verdict.dmarc.reason.id, over[i].reason);
		assert_int_equal(reason_render(&verdict.dmarc.reason, &world.arena, &text), 0);
		assert_slice_equal(text, slice_of_str(over[i].text));
		assert_grammatical(verdict.authentication_results);
		world_deinit(&world);
	}
}

static void test_flags(void **state)
{
	const struct {
		struct slice message;
		struct verdict_flags flags;
	} flagged[] = {
		{ SLICE(FROM END "a\r\n"), { 0 } },
		{ SLICE(FROM END "a\rb\r\n"), { .bare_cr = true } },
		{ SLICE(FROM END "a\n.\r\n"), { .bare_lf = true } },
		{ SLICE(FROM "X: \0\r\n" END), { .nul_in_header = true } },
		{ SLICE(FROM "no field\r\n" END), { .malformed_header = true } },
		{ SLICE("From : x\r\n" END), { .malformed_from = true } },
		{ SLICE("From: a@a, a@b, a@c, a@d, a@e\r\n" END), { .malformed_from = true } },
		{ SLICE(FROM "From\r\n : x\r\n" END), { .malformed_header = true, .malformed_from = true } },
		/* LESSONS 11: bits 0, 8 and 11 are From, Subject and Content-Type. */
		{ SLICE(FROM "Subject: a\r\nContent-Type: a\r\nCONTENT-TYPE: b\r\nSubject : b\r\n" END),
		  { .repeated_fields = 1u << 8 | 1u << 11 } },
		{ SLICE(FROM FROM END), { .malformed_from = true, .repeated_fields = 1u << 0 } },
	};
	static struct world world;
	struct verdict verdict;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(flagged); i++) {
		struct verdict_input input = input_of(vector_of("both"));

		world_fill(&world);
		input.message = flagged[i].message;
		assert_int_equal(run(&input, &world, &world.arena, &verdict), 0);
		if (memcmp(&verdict.flags, &flagged[i].flags, sizeof(verdict.flags)) != 0)
			fail_msg("flags of message %zu", i);
		world_deinit(&world);
	}
}

#define AR "Authentication-Results: "

/* LESSONS 13: eight fields that claim to be ours, of ten; the last comes first. */
static void test_forged_fields(void **state)
{
	static const uint32_t expected[] = { 10, 9, 8, 7, 5, 4, 3, 1 };
	static const struct slice own[] = { { (const uint8_t *)"old.example", 11 } };
	static struct world world;
	struct verdict_config as = config;
	struct verdict_input input = input_of(vector_of("both"));
	struct verdict verdict;

	(void)state;
	as.own_authserv_ids = own;
	as.own_authserv_ids_count = 1;
	input.message = SLICE(AR "mx; dmarc=pass\r\n" AR "other.example; dmarc=fail\r\n" AR "\"MX\"; dmarc=pass\r\n" AR
				 "(a) mx (b); dmarc=pass\r\n" FROM AR "mx 1; dmarc=pass\r\n" AR
				 "mx.example; dmarc=fail\r\n" AR "mx/1; dmarc=pass\r\n" AR "old.example; none\r\n" AR
				 "(((; dmarc=pass\r\n" AR "\r\n\tmx;\r\n\tdmarc=pass\r\n" END);
	for (int eager = 0; eager < 2; eager++) {
		world_fill(&world);
		world.eager = eager;
		assert_int_equal(run_as(&as, &input, &world, &world.arena, &verdict), 0);
		assert_int_equal(verdict.forged.count, COUNT_OF(expected));
		for (size_t i = 0; i < COUNT_OF(expected); i++)
			assert_int_equal(verdict.forged.at[i], expected[i]);
		world_deinit(&world);
	}
	/* Written under another name, with no others of ours: that name is the one that counts. */
	input.authserv_id = SLICE("other.example");
	world_fill(&world);
	assert_int_equal(run(&input, &world, &world.arena, &verdict), 0);
	assert_int_equal(verdict.forged.count, 2);
	assert_int_equal(verdict.forged.at[0], 9); /* not readable */
	assert_int_equal(verdict.forged.at[1], 2);
	assert_int_equal(verdict_check_sender(&input, &config, &world.ask, &world.arena, &verdict), 0);
	assert_int_equal(verdict.forged.count, 0);
	world_deinit(&world);
}

#define RS "Received-SPF: "

/* RFC 7208 section 9.1: named for deletion when the receiver is ours or nobody; written where it is configured. */
static void test_received_spf(void **state)
{
	static const struct {
		const char *helo, *mail_from, *expected;
	} cases[] = {
		{ "b.example", "a@b.example",
		  "pass" LINE "receiver=mx;" LINE "client-ip=192.0.2.1;" LINE "identity=mailfrom;" LINE
		  "envelope-from=\"a@b.example\";" LINE "helo=b.example;" LINE "mechanism=\"ip4:192.0.2.1\";" },
		{ "b.example", "",
		  "pass" LINE "receiver=mx;" LINE "client-ip=192.0.2.1;" LINE "identity=helo;" LINE "helo=b.example;" LINE
		  "mechanism=\"ip4:192.0.2.1\";" },
		{ "", "a;\"\r\nx: y@slow.b.example",
		  "none" LINE "receiver=mx;" LINE "client-ip=192.0.2.1;" LINE "identity=mailfrom;" LINE
		  "envelope-from=\"a;\\\"??x: y@slow.b.example\";" LINE "mechanism=default;" },
		{ "", "a@slow.b.example",
		  "temperror" LINE "receiver=mx;" LINE "client-ip=192.0.2.1;" LINE "identity=mailfrom;" LINE
		  "envelope-from=\"a@slow.b.example\";" LINE "mechanism=default;" LINE
		  "problem=\"DNS: time-out for TXT of slow.b.example, needed for the SPF record\";" },
	};
	static struct world world;
	struct verdict_config as = config;
	struct verdict_input input = input_of(vector_of("both"));
	struct verdict verdict;

	(void)state;
	input.message = SLICE(RS "pass receiver=mx\r\n" AR "mx; none\r\n" FROM RS "pass receiver=c.example\r\n" RS "x\r\n"
				 END);
	world_fill(&world);
	assert_int_equal(run(&input, &world, &world.arena, &verdict), 0);
	assert_int_equal(verdict.forged.count, 1);
	assert_int_equal(verdict.forged_received_spf.count, 2);
	assert_int_equal(verdict.forged_received_spf.at[0], 3);
	assert_int_equal(verdict.forged_received_spf.at[1], 1);
	assert_int_equal(verdict.received_spf.len, 0);
	world_deinit(&world);
	as.received_spf = true;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		input.helo = slice_of_str(cases[i].helo);
		input.mail_from = slice_of_str(cases[i].mail_from);
		world_fill(&world);
		assert_int_equal(run_as(&as, &input, &world, &world.arena, &verdict), 0);
		assert_slice_equal(verdict.received_spf, slice_of_str(cases[i].expected));
		assert_int_equal(verdict_check_sender(&input, &as, &world.ask, &world.arena, &verdict), 0);
		assert_slice_equal(verdict.received_spf, slice_of_str(cases[i].expected));
		world_deinit(&world);
	}
	/* Both fields under one name. */
	input.authserv_id = SLICE("b\xc3\xbc" "cher.example");
	world_fill(&world);
	assert_int_equal(run_as(&as, &input, &world, &world.arena, &verdict), 0);
	assert_true(slice_starts_with(verdict.authentication_results, SLICE("xn--bcher-kva.example;")));
	assert_true(slice_starts_with(verdict.received_spf, SLICE("temperror" LINE "receiver=xn--bcher-kva.example;")));
	world_deinit(&world);
	input.has_client = false;
	world_fill(&world);
	assert_int_equal(run_as(&as, &input, &world, &world.arena, &verdict), 0);
	assert_int_equal(verdict.received_spf.len, 0);
	world_deinit(&world);
}

static struct slice last_two_labels(void *arg, struct slice name)
{
	(void)arg;
	return domain_label_count(name) > 1 ? domain_suffix(name, 2) : SLICE_EMPTY;
}

static void assert_same_but_shadow(const struct vector *v, unsigned budget, const struct verdict *a,
				   const struct verdict *b)
{
	const struct dmarc_result *x = &a->dmarc, *y = &b->dmarc;

	if (!slice_equal(a->authentication_results, b->authentication_results) || x->result != y->result ||
	    x->policy != y->policy || x->disposition != y->disposition || x->spf_aligned != y->spf_aligned ||
	    x->dkim_aligned != y->dkim_aligned || x->testing != y->testing || x->has_policy != y->has_policy ||
	    x->reason.id != y->reason.id || !slice_equal(x->from_domain, y->from_domain) ||
	    !slice_equal(x->policy_domain, y->policy_domain) || !slice_equal(x->record, y->record) ||
	    !slice_equal(x->organizational_domain, y->organizational_domain) ||
	    memcmp(&a->flags, &b->flags, sizeof(a->flags)) != 0 || a->dkim.count != b->dkim.count)
		fail_msg("%s: another verdict with the shadow, %u look-ups", v->what, budget);
	for (size_t i = 0; i < a->dkim.count; i++)
		assert_int_equal(a->dkim.signatures[i].result, b->dkim.signatures[i].result);
}

#define DEEP "a.b.c.d.e.f.g.h"

/* Records of evil.example that take every look-up there is: 4 mx terms of 10 hosts, for each identity. */
static void dear_spf(struct world *world, char hosts[80][32])
{
	static const char *const terms[] = {
		"m0.evil.example", "m1.evil.example", "m2.evil.example", "m3.evil.example",
		"n0.evil.example", "n1.evil.example", "n2.evil.example", "n3.evil.example",
	};

	world_txt(world, "evil.example", "v=spf1 mx:m0.evil.example mx:m1.evil.example mx:m2.evil.example "
					 "mx:m3.evil.example -all");
	world_txt(world, "h.evil.example", "v=spf1 mx:n0.evil.example mx:n1.evil.example mx:n2.evil.example "
					   "mx:n3.evil.example -all");
	for (unsigned i = 0; i < 80; i++) {
		sprintf(hosts[i], "h%u.evil.example", i);
		world_mx(world, terms[i / 10], (uint16_t)i, hosts[i]);
		world_a(world, hosts[i], "198.51.100.1");
	}
}

/*
 * STANDARDS 1.2 and 1.5, S3, S12: whatever the envelope, the signatures and other author domains cost, the policy of a
 * forged author is read: nobody buys a temporary error for it.
 */
static void test_forged_author_beside_dear_ones(void **state)
{
	static const char message[] = SIGNED("evil.example", "k0") SIGNED("evil.example", "k1")
		SIGNED("evil.example", "k2") SIGNED("evil.example", "k3") SIGNED("evil.example", "k4")
		SIGNED("evil.example", "k5") SIGNED("evil.example", "k6") SIGNED("evil.example", "k7")
		"From: a@" DEEP ".one, a@" DEEP ".two, bob@b.example\r\n" END;
	static char hosts[80][32];
	static struct world world;
	struct verdict_input input = { .has_client = true, .helo = SLICE("h.evil.example"),
				       .mail_from = SLICE("a@evil.example"), .message = slice_of_str(message),
				       .received_at = 1795000000 };
	struct verdict verdict;

	(void)state;
	assert_true(ip_parse(SLICE("192.0.2.1"), &input.client));
	for (int eager = 0; eager < 2; eager++) {
		world_fill(&world);
		world.eager = eager;
		world.lookups_max = 60;
		dear_spf(&world, hosts);
		assert_int_equal(run_as(&config, &input, &world, &world.arena, &verdict), 0);
		assert_int_equal(verdict.spf.result, SPF_TEMPERROR);
		assert_int_equal(verdict.dmarc.result, DMARC_RESULT_FAIL);
		assert_int_equal(verdict.dmarc.disposition, REJECTED);
		assert_true(world.asked_count <= 60);
		world_deinit(&world);
	}
}

#define WALKS(n) SIGNED("a.b.c.d.e.f" n ".evil.example", "k")

/*
 * The alignment of the first author's identifiers may cost all that is left, with every answer at hand: the second
 * author's policy is asked for before it.
 */
static void test_every_policy_before_any_alignment(void **state)
{
	static const char message[] = WALKS("0") WALKS("1") WALKS("2") WALKS("3") WALKS("4") WALKS("5") WALKS("6") WALKS("7")
		"From: a@evil.example, bob@b.example\r\n" END;
	static char names[8][64];
	static struct world world;
	struct verdict_input input = { .message = slice_of_str(message), .received_at = 1795000000 };
	struct verdict verdict;

	(void)state;
	for (int eager = 0; eager < 2; eager++) {
		world_fill(&world);
		world.eager = eager;
		world.lookups_max = 50;
		world_txt(&world, "_dmarc.evil.example", "v=DMARC1; p=none");
		for (unsigned i = 0; i < COUNT_OF(names); i++) {
			sprintf(names[i], "k._domainkey.a.b.c.d.e.f%u.evil.example", i);
			world_txt(&world, names[i], KEY);
		}
		assert_int_equal(run(&input, &world, &world.arena, &verdict), 0);
		assert_int_equal(world.asked_count, world.lookups_max);
		assert_int_equal(verdict.dmarc.result, DMARC_RESULT_FAIL);
		assert_int_equal(verdict.dmarc.disposition, REJECTED);
		assert_slice_equal(verdict.dmarc.from_domain, SLICE("b.example"));
		world_deinit(&world);
	}
}

/* What RFC 7489 would say changes nothing: with every budget of look-ups, answers at hand or not. */
static void test_shadow_has_no_influence(void **state)
{
	static struct world worlds[2];
	struct verdict_config as[2] = { config, config };
	unsigned evaluated = 0, differing = 0;

	(void)state;
	as[1].shadow.organizational_domain = last_two_labels;
	for (unsigned n = 0; n < COUNT_OF(vectors) * 2 * 16; n++) {
		const struct vector *v = &vectors[n / 32];
		struct verdict_input input = input_of(v);
		struct verdict verdicts[2];

		for (int shadow = 0; shadow < 2; shadow++) {
			struct world *world = &worlds[shadow];

			world_fill(world);
			/* An organization of its own below b.example, where the walk stops and the shadow does not. */
			world_txt(world, "_dmarc.example", "v=DMARC1; p=none; psd=y");
			world->eager = n / 16 % 2;
			world->lookups_max = n % 16;
			assert_int_equal(run_as(&as[shadow], &input, world, &world->arena, &verdicts[shadow]), 0);
		}
		assert_false(verdicts[0].shadow.evaluated);
		evaluated += verdicts[1].shadow.evaluated;
		differing += verdicts[1].shadow.differs;
		assert_same_but_shadow(v, n % 16, &verdicts[0], &verdicts[1]);
		world_deinit(&worlds[0]);
		world_deinit(&worlds[1]);
	}
	/* Else this test would not show anything. */
	assert_in_range(evaluated, 300, COUNT_OF(vectors) * 32);
	assert_in_range(differing, 1, evaluated);
}

/* Where the shadow asks a question of its own, it does so when everything else is there. */
static void test_shadow_asks_last(void **state)
{
	static struct world world;
	struct verdict_config as = config;
	struct verdict_input input = input_of(vector_of("both"));
	struct verdict verdict;

	(void)state;
	as.shadow.organizational_domain = last_two_labels;
	input.message = SLICE("From: a@x.y.b.example\r\n" END);
	world_fill(&world);
	world.eager = true;
	world_txt(&world, "_dmarc.y.b.example", "v=DMARC1; p=quarantine; psd=n");
	assert_int_equal(run_as(&as, &input, &world, &world.arena, &verdict), 0);
	assert_int_equal(verdict.dmarc.result, DMARC_RESULT_FAIL);
	assert_int_equal(verdict.dmarc.disposition, DMARC_POLICY_QUARANTINE);
	assert_int_equal(verdict.shadow.result, DMARC_RESULT_PASS);
	assert_true(verdict.shadow.differs);
	assert_string_equal(world.asked[world.asked_count - 1].name, "_dmarc.b.example");
	world_deinit(&world);
}

/* Switched off, no claim is made about ARC. */
static void test_arc_is_not_evaluated(void **state)
{
	static struct world world;
	struct verdict_input input = input_of(vector_of("both"));
	struct verdict verdict;

	(void)state;
	for (int present = 0; present < 2; present++) {
		world_fill(&world);
		input.message = present ? SLICE("ARC-Seal: i=1; cv=none\r\n" FROM END) : SLICE(FROM END);
		assert_int_equal(run(&input, &world, &world.arena, &verdict), 0);
		assert_false(verdict.arc.evaluated);
		assert_int_equal(verdict.arc.result, ARC_NONE);
		assert_int_equal(verdict.arc.reason.id, REASON_ARC_NOT_EVALUATED);
		assert_null(strstr((const char *)verdict.authentication_results.ptr, "\tarc="));
		world_deinit(&world);
	}
}

#define HOP(i, cv, d, found)                                                                                           \
	"ARC-Seal: i=" i "; cv=" cv "; a=ed25519-sha256; d=" d "; s=s;\r\n b=" B "\r\nARC-Message-Signature: i=" i         \
	"; a=ed25519-sha256; d=" d "; s=s; h=from;\r\n bh=" BH "; b=" B "\r\nARC-Authentication-Results: i=" i           \
	"; mx." d "; " found "\r\n"
#define FOUND "dmarc=pass header.from=b.example; arc=none smtp.remote-ip=192.0.2.9"

/* STANDARDS 4.2: a chain changes nothing but on the word of a listed sealer, and then it is said. */
static void test_arc_override(void **state)
{
	static const struct {
		const char *what, *sealer, *message;
		enum arc_word arc;
		const char *comment; /* NULL: no override */
		const char *field;   /* from arc= on */
	} cases[] = {
		{ "nobody is listed", NULL, HOP("1", "none", "c.example", FOUND) FROM END, ARC_PASS, NULL,
		  "arc=pass smtp.remote-ip=192.0.2.1 header.oldest-pass=0;" LINE
		  "dmarc=fail reason=\"neither SPF nor DKIM passed, and b.example has a policy\"" LINE
		  "header.from=b.example policy.dmarc=reject" },
		{ "a broken chain", "c.example", HOP("1", "pass", "c.example", FOUND) FROM END, ARC_FAIL, NULL, NULL },
		{ "another author", "c.example", HOP("1", "none", "c.example", FOUND) "From: a@x.b.example\r\n" END,
		  ARC_PASS, NULL, NULL },
		{ "two authors", "c.example", HOP("1", "none", "c.example", FOUND) "From: a@b.example, a@d.example\r\n" END,
		  ARC_PASS, NULL, NULL },
		{ "it was a fail there too", "c.example",
		  HOP("1", "none", "c.example", "dmarc=fail header.from=b.example") FROM END, ARC_PASS, NULL, NULL },
		{ "believed", "c.example", HOP("1", "none", "c.example", FOUND) FROM END, ARC_PASS,
		  "arc=pass as[1].d=c.example as[1].s=s remote-ip[1]=192.0.2.9",
		  "arc=pass smtp.remote-ip=192.0.2.1 header.oldest-pass=0;" LINE
		  "dmarc=fail reason=\"failed here, but the trusted sealer c.example found" LINE
		  "b.example genuine when the message came to it (ARC)\" header.from=b.example" LINE "policy.dmarc=reject" },
		{ "two hops", ".example",
		  HOP("2", "pass", "c.example", "dmarc=fail") HOP("1", "none", "b.example", FOUND) FROM END, ARC_PASS,
		  "arc=pass as[2].d=c.example as[2].s=s as[1].d=b.example as[1].s=s remote-ip[1]=192.0.2.9", NULL },
		{ "no client named", "c.example",
		  HOP("1", "none", "c.example", "dmarc=pass header.from=b.example") FROM END, ARC_PASS,
		  "arc=pass as[1].d=c.example as[1].s=s", NULL },
	};
	static struct world world;
	struct verdict_config as = config;
	struct verdict_input input = input_of(vector_of("nothing proved"));
	struct verdict verdict;
	struct slice sealer;

	(void)state;
	as.arc = (struct arc_config){ .verify = true, .sets_max = 10, .trusted_sealers = &sealer };
	for (size_t i = 0; i < 2 * COUNT_OF(cases); i++) {
		bool overridden = cases[i / 2].comment;
		const char *arc_field;

		sealer = slice_of_str(cases[i / 2].sealer);
		as.arc.trusted_sealers_count = sealer.len > 0;
		input.message = slice_of_str(cases[i / 2].message);
		world_fill(&world);
		world.eager = i % 2;
		assert_int_equal(run_as(&as, &input, &world, &world.arena, &verdict), 0);
		assert_grammatical(verdict.authentication_results);
		if (verdict.arc.result != cases[i / 2].arc || verdict.override.applies != overridden)
			fail_msg("%s: %s", cases[i / 2].what, reason_code(verdict.arc.reason.id));
		assert_int_equal(verdict.dmarc.result, DMARC_RESULT_FAIL);
		assert_int_equal(verdict.dmarc.disposition, overridden ? ACCEPTED : REJECTED);
		assert_int_equal(verdict.dmarc.reason.id == REASON_DMARC_ARC_OVERRIDE, overridden);
		if (overridden) {
			assert_slice_equal(verdict.override.comment, slice_of_str(cases[i / 2].comment));
			assert_int_equal(verdict.override.disposition, REJECTED);
			assert_int_equal(verdict.override.instance, 1);
		}
		arc_field = strstr((const char *)verdict.authentication_results.ptr, "arc=");
		assert_non_null(arc_field);
		if (cases[i / 2].field)
			assert_string_equal(arc_field, cases[i / 2].field);
		world_deinit(&world);
	}
	/* Two From fields name one domain and no certain author. */
	sealer = SLICE("c.example");
	as.arc.trusted_sealers_count = 1;
	input.message = SLICE(HOP("1", "none", "c.example", FOUND) FROM FROM END);
	world_fill(&world);
	assert_int_equal(run_as(&as, &input, &world, &world.arena, &verdict), 0);
	assert_true(verdict.arc.result == ARC_PASS && verdict.arc.sets[0].believable && !verdict.override.applies);
	assert_int_equal(verdict.dmarc.result, DMARC_RESULT_PERMERROR);
	assert_int_equal(verdict.dmarc.disposition, REJECTED);
	world_deinit(&world);
}

/* In a header that was not read to its end there may be a chain, or more of one: it fails, for good. */
static void test_arc_over_bounds(void **state)
{
	static struct world world;
	struct verdict_config as = config;
	struct verdict_input input = input_of(vector_of("both"));
	struct verdict verdict;

	(void)state;
	as.arc = (struct arc_config){ .verify = true, .sets_max = 10 };
	as.bounds.fields_max = 3;
	input.message = SLICE(HOP("1", "none", "c.example", FOUND) FROM END);
	world_fill(&world);
	assert_int_equal(run_as(&as, &input, &world, &world.arena, &verdict), 0);
	assert_int_equal(verdict.arc.result, ARC_FAIL);
	assert_int_equal(verdict.arc.reason.id, REASON_HEADER_TOO_MANY_FIELDS);
	as.bounds.fields_max = 4;
	assert_int_equal(run_as(&as, &input, &world, &world.arena, &verdict), 0);
	assert_int_equal(verdict.arc.result, ARC_PASS);
	input.message = SLICE(FROM END);
	assert_int_equal(run_as(&as, &input, &world, &world.arena, &verdict), 0);
	assert_non_null(strstr((const char *)verdict.authentication_results.ptr, "\tarc=none;"));
	world_deinit(&world);
}

/* A made-up chain of ten hops costs a forged author's policy none of its look-ups, nor does SPF the chain's. */
static void test_chain_beside_dear_spf(void **state)
{
	static char message[16384], hosts[80][32], names[10][40];
	static struct world world;
	struct verdict_config as = config;
	struct verdict_input input = { .has_client = true, .helo = SLICE("h.evil.example"),
				       .mail_from = SLICE("a@evil.example"), .received_at = 1795000000 };
	struct verdict verdict;
	size_t len = 0;

	(void)state;
	as.arc = (struct arc_config){ .verify = true, .sets_max = 10 };
	as.bounds = (struct mail_bounds){ .header_octets_max = 65536, .fields_max = 100, .field_octets_max = 4096 };
	assert_true(ip_parse(SLICE("192.0.2.1"), &input.client));
	for (unsigned i = 10; i > 0; i--)
		len += (size_t)sprintf(message + len,
				       "ARC-Seal: i=%u; cv=%s; a=ed25519-sha256; d=h%u.example; s=s; b=" B "\r\n"
				       "ARC-Message-Signature: i=%u; a=ed25519-sha256; d=h%u.example; s=s; h=from; bh=" BH
				       "; b=" B "\r\nARC-Authentication-Results: i=%u; mx; none\r\n",
				       i, i == 1 ? "none" : "pass", i, i, i, i);
	len += (size_t)sprintf(message + len, FROM END);
	input.message = slice_of(message, len);
	for (int eager = 0; eager < 2; eager++) {
		world_fill(&world);
		world.eager = eager;
		world.lookups_max = 60;
		dear_spf(&world, hosts);
		for (unsigned i = 0; i < 10; i++) {
			sprintf(names[i], "s._domainkey.h%u.example", i + 1);
			world_txt(&world, names[i], KEY);
		}
		assert_int_equal(run_as(&as, &input, &world, &world.arena, &verdict), 0);
		assert_int_equal(verdict.spf.result, SPF_TEMPERROR);
		assert_int_equal(verdict.arc.result, ARC_PASS);
		assert_int_equal(verdict.dmarc.disposition, REJECTED);
		world_deinit(&world);
	}
	/* With too little for all, it is the policy that is read. */
	world_fill(&world);
	world.lookups_max = 11;
	dear_spf(&world, hosts);
	assert_int_equal(run_as(&as, &input, &world, &world.arena, &verdict), 0);
	assert_int_equal(verdict.arc.result, ARC_FAIL);
	assert_int_equal(verdict.dmarc.disposition, REJECTED);
	world_deinit(&world);
}

static void test_without_client(void **state)
{
	static struct world world;
	struct verdict_input input = input_of(vector_of("both"));
	struct verdict verdict;

	(void)state;
	world_fill(&world);
	input.has_client = false;
	input.authserv_id = SLICE("other.example");
	assert_int_equal(run(&input, &world, &world.arena, &verdict), 0);
	assert_false(verdict.has_spf || verdict.has_spf_helo || verdict.dmarc.spf_aligned);
	assert_int_equal(verdict.dmarc.result, DMARC_RESULT_PASS);
	assert_true(slice_starts_with(verdict.authentication_results, SLICE("other.example;\r\n\tdkim=pass ")));
	world_deinit(&world);
}

static void test_sender(void **state)
{
	static struct world world;
	struct verdict_input input = input_of(vector_of("both"));
	struct verdict verdict;

	(void)state;
	world_fill(&world);
	assert_int_equal(verdict_check_sender(&input, &config, &world.ask, &world.arena, &verdict), ASK_BLOCKED);
	assert_int_equal(verdict_check_sender(&input, &config, &world.ask, &world.arena, &verdict), 0);
	assert_true(verdict.has_spf);
	assert_slice_equal(verdict.authentication_results, SLICE("mx;\r\n\tspf=pass smtp.mailfrom=b.example"));
	input.has_client = false;
	assert_int_equal(verdict_check_sender(&input, &config, &world.ask, &world.arena, &verdict), 0);
	assert_slice_equal(verdict.authentication_results, SLICE("mx; none"));
	world_deinit(&world);
}

/* Out of memory at any point: an error, or the verdict that there would have been; never another one. */
static void test_full_arena(void **state)
{
	static struct world world;
	struct verdict verdict;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		struct verdict_input input = input_of(&vectors[i]);
		int result = -ENOMEM;

		for (size_t bytes = 0; result; bytes += bytes < 4096 ? 64 : 512) {
			struct arena arena;

			arena_init(&arena, bytes);
			world_fill(&world);
			world.eager = true;
			result = run(&input, &world, &arena, &verdict);
			if (result == 0)
				check(&vectors[i], &verdict);
			else
				assert_int_equal(result, -ENOMEM);
			world_deinit(&world);
			arena_deinit(&arena);
		}
	}
}

UNIT_MAIN(cmocka_unit_test(test_vectors), cmocka_unit_test(test_first_pass_asks_for_all_parts),
	  cmocka_unit_test(test_header_over_bounds), cmocka_unit_test(test_flags), cmocka_unit_test(test_forged_fields),
	  cmocka_unit_test(test_received_spf),
	  cmocka_unit_test(test_forged_author_beside_dear_ones),
	  cmocka_unit_test(test_every_policy_before_any_alignment),
	  cmocka_unit_test(test_shadow_has_no_influence), cmocka_unit_test(test_shadow_asks_last),
	  cmocka_unit_test(test_arc_is_not_evaluated), cmocka_unit_test(test_arc_override),
	  cmocka_unit_test(test_arc_over_bounds), cmocka_unit_test(test_chain_beside_dear_spf),
	  cmocka_unit_test(test_without_client),
	  cmocka_unit_test(test_sender), cmocka_unit_test(test_full_arena))
