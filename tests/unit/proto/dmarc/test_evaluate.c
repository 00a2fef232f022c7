/*
 * Goal:   the DMARC result and what is asked for a message (RFC 9989 sections 4.10 and 5.3); above all: never a pass
 *         without an aligned one, never a fail while something that could align is undecided (LESSONS 1).
 * Method: a table of zones and finished SPF and DKIM results, negative ones first; each vector with answers at hand
 *         and with each pending first: the outcome and its reason are the same.
 */
#include "proto/dmarc/dmarc.h"
#include "unit.h"
#include "world.h"

#define SERVFAIL "SERVFAIL" /* instead of a text */

struct zone {
	const char *name;
	const char *text; /* TXT, SERVFAIL, or NULL: the name exists without one */
};

struct id {
	const char *domain;
	int state;
};

#define PASS DMARC_ID_PASS
#define NOT  DMARC_ID_NOT_PASS
#define TEMP DMARC_ID_TEMPERROR

static const struct vector {
	const char *what;
	const char *authors; /* separated by a space */
	struct zone zone[5];
	struct id spf, dkim[3];
	enum dmarc_word result;
	enum dmarc_policy policy, disposition;
	const char *aligned; /* of "s", "d" */
	enum reason_id reason;
	const char *from, *policy_domain; /* NULL: as the (one) author; not asserted */
} vectors[] = {
#define R(word)  DMARC_RESULT_##word
#define P(word)  DMARC_POLICY_##word
#define REJECT   "v=DMARC1; p=reject"
#define QUARANT  "v=DMARC1; p=quarantine"
#define NONE     "v=DMARC1; p=none"
#define WHY(id)  REASON_DMARC_##id
	/* No DMARC. */
	{ "no record", "b.example",
	  { { 0 } },
	  { "b.example", PASS }, { { "b.example", PASS } },
	  R(NONE), P(NONE), P(NONE), "", WHY(NO_RECORD), NULL, NULL },
	{ "two records", "b.example",
	  { { "_dmarc.b.example", REJECT }, { "_dmarc.b.example", REJECT } },
	  { "b.example", PASS }, { { 0 } },
	  R(NONE), P(NONE), P(NONE), "", WHY(SEVERAL_RECORDS), NULL, NULL },
	{ "a tag twice", "b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=none; p=none" } },
	  { "b.example", PASS }, { { 0 } },
	  R(NONE), P(NONE), P(NONE), "", WHY(INVALID_RECORD), NULL, NULL },
	{ "no p and no rua (4.10.1)", "b.example",
	  { { "_dmarc.b.example", "v=DMARC1; adkim=s" } },
	  { "b.example", PASS }, { { 0 } },
	  R(NONE), P(NONE), P(NONE), "", WHY(NO_POLICY), NULL, "b.example" },
	/* Failing. */
	{ "nothing passed", "b.example",
	  { { "_dmarc.b.example", REJECT } },
	  { "b.example", NOT }, { { "b.example", NOT } },
	  R(FAIL), P(REJECT), P(REJECT), "", WHY(FAIL_NO_PASS), NULL, NULL },
	{ "nothing checked", "b.example",
	  { { "_dmarc.b.example", REJECT } },
	  { 0 }, { { 0 } },
	  R(FAIL), P(REJECT), P(REJECT), "", WHY(FAIL_NO_PASS), NULL, NULL },
	{ "others passed", "b.example",
	  { { "_dmarc.b.example", QUARANT } },
	  { "c.example", PASS }, { { "d.example", PASS } },
	  R(FAIL), P(QUARANTINE), P(QUARANTINE), "", WHY(FAIL_UNALIGNED), NULL, NULL },
	{ "a name that only ends like it", "b.example",
	  { { "_dmarc.b.example", REJECT } },
	  { "evilb.example", PASS }, { { 0 } },
	  R(FAIL), P(REJECT), P(REJECT), "", WHY(FAIL_UNALIGNED), NULL, NULL },
	{ "above the organization (D18)", "b.example",
	  { { "_dmarc.b.example", REJECT } },
	  { 0 }, { { "example", PASS } },
	  R(FAIL), P(REJECT), P(REJECT), "", WHY(FAIL_UNALIGNED), NULL, NULL },
	{ "empty domain aligns with nothing", "b.example",
	  { { "_dmarc.b.example", REJECT } },
	  { "", PASS }, { { "", PASS } },
	  R(FAIL), P(REJECT), P(REJECT), "", WHY(FAIL_NO_PASS), NULL, NULL },
	{ "strict is strict, also downwards (C2)", "b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=reject; adkim=s; aspf=s" } },
	  { "x.b.example", PASS }, { { "x.b.example", PASS } },
	  R(FAIL), P(REJECT), P(REJECT), "", WHY(FAIL_STRICT), NULL, NULL },
	{ "aspf=s is not adkim=s", "b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=reject; aspf=s" } },
	  { "x.b.example", PASS }, { { "x.b.example", PASS } },
	  R(PASS), P(REJECT), P(NONE), "d", WHY(PASS), NULL, NULL },
	{ "another organization below a public suffix", "a.b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=reject; psd=y" } },
	  { "c.b.example", PASS }, { { 0 } },
	  R(FAIL), P(REJECT), P(REJECT), "", WHY(FAIL_UNALIGNED), NULL, "b.example" },
	{ "psd=n below the author's organization: another one", "b.example",
	  { { "_dmarc.b.example", REJECT }, { "_dmarc.c.b.example", "v=DMARC1; p=none; psd=n" } },
	  { "x.c.b.example", PASS }, { { 0 } },
	  R(FAIL), P(REJECT), P(REJECT), "", WHY(FAIL_UNALIGNED), NULL, NULL },
	{ "t=y: one step less", "b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=reject; t=y" } },
	  { 0 }, { { 0 } },
	  R(FAIL), P(REJECT), P(QUARANTINE), "", WHY(FAIL_NO_PASS), NULL, NULL },
	{ "t=y of none", "b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=none; t=y" } },
	  { 0 }, { { 0 } },
	  R(FAIL), P(NONE), P(NONE), "", WHY(FAIL_NO_PASS), NULL, NULL },
	{ "pct has no effect (D19)", "b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=reject; pct=0" } },
	  { 0 }, { { 0 } },
	  R(FAIL), P(REJECT), P(REJECT), "", WHY(FAIL_NO_PASS), NULL, NULL },
	/* Which policy (4.10.1)? NXDOMAIN of "_dmarc.x" is not that of x. */
	{ "sp: the author domain exists", "a.b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=none; sp=quarantine; np=reject" }, { "a.b.example", NULL } },
	  { 0 }, { { 0 } },
	  R(FAIL), P(QUARANTINE), P(QUARANTINE), "", WHY(FAIL_NO_PASS), NULL, "b.example" },
	{ "sp: something below it exists", "a.b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=none; sp=quarantine; np=reject" }, { "_dmarc.a.b.example", "x" } },
	  { 0 }, { { 0 } },
	  R(FAIL), P(QUARANTINE), P(QUARANTINE), "", WHY(FAIL_NO_PASS), NULL, "b.example" },
	{ "np: it does not", "a.b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=none; sp=quarantine; np=reject" } },
	  { 0 }, { { 0 } },
	  R(FAIL), P(REJECT), P(REJECT), "", WHY(FAIL_NO_PASS), NULL, "b.example" },
	{ "np falls back to sp, then p", "a.b.example",
	  { { "_dmarc.b.example", REJECT } },
	  { 0 }, { { 0 } },
	  R(FAIL), P(REJECT), P(REJECT), "", WHY(FAIL_NO_PASS), NULL, "b.example" },
	/* At a public suffix too (RFC 9989 section 4.10.1; STANDARDS 1.1 no. 7): sp and np are for what is below it. */
	{ "np of a public suffix: the author domain does not exist", "a.b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=none; sp=quarantine; np=reject; psd=y" } },
	  { 0 }, { { 0 } },
	  R(FAIL), P(REJECT), P(REJECT), "", WHY(FAIL_NO_PASS), NULL, "b.example" },
	{ "nor does one far below it", "x.a.b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=none; sp=quarantine; np=reject; psd=y" } },
	  { "a.b.example", NOT }, { { 0 } },
	  R(FAIL), P(REJECT), P(REJECT), "", WHY(FAIL_NO_PASS), NULL, "b.example" },
	{ "sp of a public suffix: it exists", "a.b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=none; sp=quarantine; np=reject; psd=y" }, { "a.b.example", NULL } },
	  { 0 }, { { 0 } },
	  R(FAIL), P(QUARANTINE), P(QUARANTINE), "", WHY(FAIL_NO_PASS), NULL, "b.example" },
	{ "np of a public suffix is not that of the organization below it", "x.a.b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=none; np=reject; psd=y" }, { "_dmarc.a.b.example", QUARANT "; np=none" } },
	  { 0 }, { { 0 } },
	  R(FAIL), P(NONE), P(NONE), "", WHY(FAIL_NO_PASS), NULL, "a.b.example" },
	{ "whether it exists is not known", "a.b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=none; sp=quarantine; np=reject; psd=y" }, { "a.b.example", SERVFAIL } },
	  { 0 }, { { 0 } },
	  R(TEMPERROR), P(QUARANTINE), P(NONE), "", WHY(EXISTENCE_TEMPERROR), NULL, "b.example" },
	{ "p at the author domain itself, whatever sp says", "b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=reject; sp=none; np=none" } },
	  { 0 }, { { 0 } },
	  R(FAIL), P(REJECT), P(REJECT), "", WHY(FAIL_NO_PASS), NULL, NULL },
	/* Temporary errors (STANDARDS 1.5, LESSONS 1). */
	{ "the policy", "b.example",
	  { { "_dmarc.b.example", SERVFAIL } },
	  { "b.example", PASS }, { { "b.example", PASS } },
	  R(TEMPERROR), P(NONE), P(NONE), "", WHY(POLICY_TEMPERROR), NULL, NULL },
	{ "the policy, above", "a.b.example",
	  { { "_dmarc.b.example", SERVFAIL } },
	  { "a.b.example", PASS }, { { 0 } },
	  R(TEMPERROR), P(NONE), P(NONE), "", WHY(POLICY_TEMPERROR), NULL, NULL },
	{ "the policy, below a record", "a.b.example",
	  { { "_dmarc.a.b.example", SERVFAIL }, { "_dmarc.b.example", REJECT } },
	  { "b.example", PASS }, { { 0 } },
	  R(TEMPERROR), P(NONE), P(NONE), "", WHY(POLICY_TEMPERROR), NULL, NULL },
	{ "behind a stop it is not asked", "b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=reject; psd=n" }, { "_dmarc.example", SERVFAIL } },
	  { "a.b.example", PASS }, { { 0 } },
	  R(PASS), P(REJECT), P(NONE), "s", WHY(PASS), NULL, NULL },
	{ "above the author's record: an equal name does not need it", "b.example",
	  { { "_dmarc.b.example", REJECT }, { "_dmarc.example", SERVFAIL } },
	  { "b.example", PASS }, { { 0 } },
	  R(PASS), P(REJECT), P(NONE), "s", WHY(PASS), NULL, NULL },
	{ "a name below it does", "b.example",
	  { { "_dmarc.b.example", REJECT }, { "_dmarc.example", SERVFAIL } },
	  { "a.b.example", PASS }, { { 0 } },
	  R(TEMPERROR), P(REJECT), P(NONE), "", WHY(ALIGNMENT_TEMPERROR), NULL, NULL },
	{ "strict alignment does not", "b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=reject; aspf=s" }, { "_dmarc.example", SERVFAIL } },
	  { "a.b.example", PASS }, { { 0 } },
	  R(FAIL), P(REJECT), P(REJECT), "", WHY(FAIL_STRICT), NULL, NULL },
	{ "nor does a name that shares no suffix", "b.example",
	  { { "_dmarc.b.example", REJECT }, { "_dmarc.example", SERVFAIL } },
	  { "b.test", PASS }, { { 0 } },
	  R(FAIL), P(REJECT), P(REJECT), "", WHY(FAIL_UNALIGNED), NULL, NULL },
	{ "an alignment walk", "b.example",
	  { { "_dmarc.b.example", REJECT }, { "_dmarc.a.b.example", SERVFAIL } },
	  { "a.b.example", PASS }, { { 0 } },
	  R(TEMPERROR), P(REJECT), P(NONE), "", WHY(ALIGNMENT_TEMPERROR), NULL, NULL },
	{ "an alignment walk, and another pass", "b.example",
	  { { "_dmarc.b.example", REJECT }, { "_dmarc.a.b.example", SERVFAIL } },
	  { "a.b.example", PASS }, { { "c.b.example", PASS } },
	  R(PASS), P(REJECT), P(NONE), "d", WHY(PASS), NULL, NULL },
	{ "SPF of a name that could align", "b.example",
	  { { "_dmarc.b.example", REJECT } },
	  { "b.example", TEMP }, { { "c.example", PASS } },
	  R(TEMPERROR), P(REJECT), P(NONE), "", WHY(IDENTIFIER_TEMPERROR), NULL, NULL },
	{ "a DKIM key of one", "b.example",
	  { { "_dmarc.b.example", REJECT } },
	  { "c.example", PASS }, { { "c.example", PASS }, { "a.b.example", TEMP } },
	  R(TEMPERROR), P(REJECT), P(NONE), "", WHY(IDENTIFIER_TEMPERROR), NULL, NULL },
	{ "of one that could not", "b.example",
	  { { "_dmarc.b.example", REJECT } },
	  { "c.example", TEMP }, { { "c.example", TEMP } },
	  R(FAIL), P(REJECT), P(REJECT), "", WHY(FAIL_NO_PASS), NULL, NULL },
	{ "of one that strict alignment rules out", "b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=reject; adkim=s" } },
	  { 0 }, { { "a.b.example", TEMP } },
	  R(FAIL), P(REJECT), P(REJECT), "", WHY(FAIL_NO_PASS), NULL, NULL },
	{ "of one that could, beside a pass", "b.example",
	  { { "_dmarc.b.example", REJECT } },
	  { "b.example", TEMP }, { { "a.b.example", PASS } },
	  R(PASS), P(REJECT), P(NONE), "d", WHY(PASS), NULL, NULL },
	{ "existence, when it decides", "a.b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=none; np=reject" }, { "a.b.example", SERVFAIL } },
	  { 0 }, { { 0 } },
	  R(TEMPERROR), P(NONE), P(NONE), "", WHY(EXISTENCE_TEMPERROR), NULL, "b.example" },
	{ "existence, when it does not", "a.b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=none; np=reject" }, { "a.b.example", SERVFAIL } },
	  { "b.example", PASS }, { { 0 } },
	  R(PASS), P(NONE), P(NONE), "s", WHY(PASS), NULL, "b.example" },
	/* Passing. */
	{ "SPF, same name", "b.example",
	  { { "_dmarc.b.example", REJECT } },
	  { "b.example", PASS }, { { 0 } },
	  R(PASS), P(REJECT), P(NONE), "s", WHY(PASS), NULL, NULL },
	{ "DKIM, above", "a.b.example",
	  { { "_dmarc.b.example", REJECT } },
	  { 0 }, { { "b.example", PASS } },
	  R(PASS), P(REJECT), P(NONE), "d", WHY(PASS), NULL, "b.example" },
	{ "both, beside", "a.b.example",
	  { { "_dmarc.b.example", REJECT } },
	  { "c.b.example", PASS }, { { "c.example", PASS }, { "d.c.b.example", NOT }, { "d.c.b.example", PASS } },
	  R(PASS), P(REJECT), P(NONE), "sd", WHY(PASS), NULL, "b.example" },
	/* Several author domains (11.5): every one must pass, the strictest of those that fail decides. */
	{ "one of two fails", "b.example c.example",
	  { { "_dmarc.b.example", NONE }, { "_dmarc.c.example", QUARANT } },
	  { "b.example", PASS }, { { 0 } },
	  R(FAIL), P(QUARANTINE), P(QUARANTINE), "", WHY(FAIL_UNALIGNED), "c.example", "c.example" },
	{ "both fail", "b.example c.example",
	  { { "_dmarc.b.example", REJECT }, { "_dmarc.c.example", QUARANT } },
	  { 0 }, { { 0 } },
	  R(FAIL), P(REJECT), P(REJECT), "", WHY(FAIL_NO_PASS), "b.example", "b.example" },
	{ "one has no record", "b.example c.example",
	  { { "_dmarc.b.example", REJECT } },
	  { "b.example", PASS }, { { 0 } },
	  R(NONE), P(NONE), P(NONE), "", WHY(NO_RECORD), "c.example", NULL },
	{ "one is undecided", "b.example c.example",
	  { { "_dmarc.b.example", REJECT }, { "_dmarc.c.example", SERVFAIL } },
	  { "b.example", PASS }, { { 0 } },
	  R(TEMPERROR), P(NONE), P(NONE), "", WHY(POLICY_TEMPERROR), "c.example", NULL },
	{ "a fail to be acted upon outweighs that", "b.example c.example",
	  { { "_dmarc.b.example", REJECT }, { "_dmarc.c.example", SERVFAIL } },
	  { 0 }, { { 0 } },
	  R(FAIL), P(REJECT), P(REJECT), "", WHY(FAIL_NO_PASS), "b.example", "b.example" },
	{ "both pass", "b.example c.example",
	  { { "_dmarc.b.example", REJECT }, { "_dmarc.c.example", REJECT } },
	  { "b.example", PASS }, { { "c.example", PASS } },
	  R(PASS), P(REJECT), P(NONE), "s", WHY(PASS), "b.example", "b.example" },
	{ "four are too many (S12)", "a.example b.example c.example d.example",
	  { { "_dmarc.a.example", NONE }, { "_dmarc.c.example", QUARANT }, { "_dmarc.d.example", REJECT } },
	  { "a.example", PASS }, { { 0 } },
	  R(PERMERROR), P(QUARANTINE), P(QUARANTINE), "", REASON_FROM_MANY_DOMAINS, "c.example", "c.example" },
};

static void world_fill(struct world *world, const struct zone *zone)
{
	for (size_t i = 0; i < 5 && zone[i].name; i++) {
		if (!zone[i].text)
			world_outcome(world, zone[i].name, DNS_MX, DNS_NODATA);
		else if (!strcmp(zone[i].text, SERVFAIL))
			world_outcome(world, zone[i].name, DNS_TXT, DNS_SERVFAIL);
		else
			world_txt(world, zone[i].name, zone[i].text);
	}
}

static struct mail_author author_of(const char *domains)
{
	struct mail_author author = { .state = MAIL_AUTHOR_OK };
	struct slice rest = slice_of_str(domains);

	while (rest.ptr)
		author.domains[author.domains_count++] = slice_cut(&rest, ' ');
	return author;
}

static void check(const struct vector *v, const struct dmarc_result *result)
{
	bool spf = strchr(v->aligned, 's'), dkim = strchr(v->aligned, 'd');
	bool policy = v->result == R(FAIL) || v->result == R(PASS) || v->result == R(PERMERROR);

	if (result->result != v->result || result->reason.id != v->reason)
		fail_msg("%s: %s (%s)", v->what, dmarc_word_text(result->result), reason_code(result->reason.id));
	if (result->policy != v->policy || result->disposition != v->disposition || (policy && !result->has_policy))
		fail_msg("%s: %s %s", v->what, dmarc_policy_text(result->policy),
		         dmarc_policy_text(result->disposition));
	if (result->spf_aligned != spf || result->dkim_aligned != dkim)
		fail_msg("%s: alignment", v->what);
	assert_slice_equal(result->from_domain, slice_of_str(v->from ? v->from : v->authors));
	if (v->policy_domain)
		assert_slice_equal(result->policy_domain, slice_of_str(v->policy_domain));
}

/* Of a certain author it changes nothing. */
static void check_certain(const struct vector *v, struct dmarc_input *input, struct world *world)
{
	struct dmarc_result result;

	if (v->result == R(PERMERROR))
		return;
	input->no_author = P(REJECT);
	assert_int_equal(dmarc_evaluate(input, &world->ask, &world->arena, &result), 0);
	check(v, &result);
}

static void evaluate(const struct vector *v, bool eager, struct dmarc_result *result)
{
	static struct world world;
	struct mail_author author = author_of(v->authors);
	struct dmarc_identifier spf = { slice_of_str(v->spf.domain), (unsigned)v->spf.state }, dkim[3];
	struct dmarc_input input = { .author = &author, .spf = v->spf.domain ? &spf : NULL, .dkim = dkim };
	int waits = 0, waiting;

	for (; input.dkim_count < 3 && v->dkim[input.dkim_count].domain; input.dkim_count++)
		dkim[input.dkim_count] = (struct dmarc_identifier){ slice_of_str(v->dkim[input.dkim_count].domain),
			                                            (unsigned)v->dkim[input.dkim_count].state };
	world_init(&world);
	world.eager = eager;
	world_fill(&world, v->zone);
	while ((waiting = dmarc_evaluate(&input, &world.ask, &world.arena, result)) == ASK_BLOCKED)
		waits++;
	assert_int_equal(waiting, 0);
	/* The author's walk, then what alignment and existence need, together. */
	assert_in_range(waits, 0, 2);
	check(v, result);
	check_certain(v, &input, &world);
	world_deinit(&world);
}

static void test_vectors(void **state)
{
	struct dmarc_result result;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++)
		for (int eager = 0; eager < 2; eager++)
			evaluate(&vectors[i], eager, &result);
}

/* STANDARDS 1.2, LESSONS 12: no author, no pass, and not "skipped" either: what the readable domain asks is said. */
static void test_unusable_authors(void **state)
{
	static const struct {
		enum mail_author_state state;
		enum dmarc_word result;
		enum reason_id reason;
	} unusable[] = {
		{ MAIL_AUTHOR_MISSING, R(PERMERROR), REASON_FROM_MISSING },
		{ MAIL_AUTHOR_SEVERAL_FIELDS, R(PERMERROR), REASON_FROM_SEVERAL_FIELDS },
		{ MAIL_AUTHOR_MALFORMED, R(PERMERROR), REASON_FROM_MALFORMED },
		{ MAIL_AUTHOR_NO_ADDRESS, R(NONE), REASON_FROM_NO_ADDRESS },
	};
	static struct world world;
	struct dmarc_identifier pass = { SLICE("b.example"), DMARC_ID_PASS };
	struct dmarc_result result;

	(void)state;
	world_init(&world);
	world.eager = true;
	world_txt(&world, "_dmarc.b.example", QUARANT);
	for (size_t i = 0; i < 2 * COUNT_OF(unusable); i++) {
		struct mail_author author = { .state = unusable[i / 2].state };
		struct dmarc_input input = { .author = &author, .spf = &pass, .dkim = &pass, .dkim_count = 1 };
		bool readable = i % 2 && author.state != MAIL_AUTHOR_NO_ADDRESS;

		if (readable)
			author.domains[author.domains_count++] = SLICE("b.example");
		assert_int_equal(dmarc_evaluate(&input, &world.ask, &world.arena, &result), 0);
		assert_int_equal(result.result, unusable[i / 2].result);
		assert_int_equal(result.reason.id, unusable[i / 2].reason);
		assert_int_equal(result.disposition, readable ? P(QUARANTINE) : P(NONE));
		assert_false(result.spf_aligned || result.dkim_aligned);
		/* 11.5: what a forger would write; the site's word is the least that is asked. */
		input.no_author = P(REJECT);
		assert_int_equal(dmarc_evaluate(&input, &world.ask, &world.arena, &result), 0);
		assert_int_equal(result.disposition, result.result == R(PERMERROR) ? P(REJECT) : P(NONE));
		assert_int_equal(result.has_policy, readable);
	}
	world_deinit(&world);
}

/* Names that cannot align cost nothing, however many signatures there are (STANDARDS 1.3, S12). */
static void test_no_walks_for_strangers(void **state)
{
	static struct world world;
	struct mail_author author = author_of("a.b.example");
	struct dmarc_identifier dkim[100], spf = { SLICE("x.y.z.test"), DMARC_ID_PASS };
	struct dmarc_input input = { .author = &author, .spf = &spf, .dkim = dkim, .dkim_count = COUNT_OF(dkim) };
	struct dmarc_result result;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(dkim); i++)
		dkim[i] = (struct dmarc_identifier){ SLICE("x.y.z.other.example"), i % 2 ? PASS : TEMP };
	world_init(&world);
	world_txt(&world, "_dmarc.b.example", REJECT);
	dmarc_prefetch(&author, &world.ask);
	assert_int_equal(world.asked_count, 3);
	assert_int_equal(dmarc_evaluate(&input, &world.ask, &world.arena, &result), 0);
	assert_int_equal(world.asked_count, 3);
	assert_int_equal(result.result, R(FAIL));
	world_deinit(&world);
}

/* The question whether the author domain exists goes out only when the answer decides. */
static void test_existence_is_asked_when_it_decides(void **state)
{
	static struct world world;
	static const char *const records[] = { REJECT, "v=DMARC1; p=none; sp=reject", "v=DMARC1; p=none; np=reject" };
	struct mail_author author = author_of("a.b.example");
	struct dmarc_input input = { .author = &author };
	struct dmarc_result result;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(records); i++) {
		world_init(&world);
		world.eager = true;
		world_txt(&world, "_dmarc.b.example", records[i]);
		assert_int_equal(dmarc_evaluate(&input, &world.ask, &world.arena, &result), 0);
		assert_int_equal(world_times_asked(&world, "a.b.example", DNS_TXT), i == 2);
		world_deinit(&world);
	}
}

UNIT_MAIN(cmocka_unit_test(test_vectors), cmocka_unit_test(test_unusable_authors),
          cmocka_unit_test(test_no_walks_for_strangers), cmocka_unit_test(test_existence_is_asked_when_it_decides))
