/*
 * Goal:   the RFC 7489 result is that of its sections 3.2 and 6.6: policy at the author domain or its organizational
 *         domain and nowhere else, alignment by the public suffix list, pct without a lot; and it is known where it
 *         differs from the real one. It takes nothing from the real one: no question, no answer.
 * Method: a table of zones and finished SPF and DKIM results, with "uk", "co.uk" and "host.example" as public suffixes
 *         beside every single label; each with answers at hand and with each pending first.
 */
#include "proto/dmarc/shadow.h"

#include "proto/mail/domain.h"
#include "unit.h"
#include "world.h"

#define SERVFAIL "SERVFAIL" /* instead of a text */

struct zone {
	const char *name, *text;
};

struct id {
	const char *domain;
	int state;
};

#define PASS DMARC_ID_PASS
#define NOT  DMARC_ID_NOT_PASS
#define TEMP DMARC_ID_TEMPERROR

#define R(word) DMARC_RESULT_##word
#define P(word) DMARC_POLICY_##word
#define REJECT  "v=DMARC1; p=reject"

static const struct vector {
	const char *what, *authors;
	struct zone zone[4];
	struct id spf, dkim[2];
	enum dmarc_word result;
	unsigned pct; /* 0 also: no policy */
	enum dmarc_policy policy, disposition, unsampled;
	const char *organizational_domain, *policy_domain;
	bool differs;
} vectors[] = {
	/* No DMARC. */
	{ "no record", "b.example",
	  { { 0 } }, { "b.example", PASS }, { { 0 } },
	  R(NONE), 0, P(NONE), P(NONE), P(NONE), "b.example", "", false },
	{ "a record above the organizational domain does not count", "a.b.co.uk",
	  { { "_dmarc.co.uk", REJECT } }, { 0 }, { { 0 } },
	  R(NONE), 0, P(NONE), P(NONE), P(NONE), "b.co.uk", "", true },
	{ "nor one between (6.6.3: two questions only)", "a.b.c.example",
	  { { "_dmarc.b.c.example", REJECT } }, { 0 }, { { 0 } },
	  R(NONE), 0, P(NONE), P(NONE), P(NONE), "c.example", "", true },
	{ "two records end it, though one stands above (step 5)", "a.b.example",
	  { { "_dmarc.a.b.example", REJECT }, { "_dmarc.a.b.example", REJECT }, { "_dmarc.b.example", REJECT } },
	  { 0 }, { { 0 } },
	  R(NONE), 0, P(NONE), P(NONE), P(NONE), "b.example", "", true },
	{ "other records do not", "a.b.example",
	  { { "_dmarc.a.b.example", "v=spf1 -all" }, { "_dmarc.b.example", REJECT } }, { 0 }, { { 0 } },
	  R(FAIL), 100, P(REJECT), P(REJECT), P(REJECT), "b.example", "b.example", false },
	{ "no p and no rua (step 6)", "b.example",
	  { { "_dmarc.b.example", "v=DMARC1; adkim=s" } }, { "b.example", PASS }, { { 0 } },
	  R(NONE), 100, P(NONE), P(NONE), P(NONE), "b.example", "b.example", false },
	/* Failing. */
	{ "nothing passed", "b.example",
	  { { "_dmarc.b.example", REJECT } }, { "b.example", NOT }, { { "b.example", NOT } },
	  R(FAIL), 100, P(REJECT), P(REJECT), P(REJECT), "b.example", "b.example", false },
	{ "an empty domain aligns with nothing", "b.example",
	  { { "_dmarc.b.example", REJECT } }, { "", PASS }, { { "", PASS } },
	  R(FAIL), 100, P(REJECT), P(REJECT), P(REJECT), "b.example", "b.example", false },
	{ "strict", "b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=reject; adkim=s; aspf=s" } },
	  { "a.b.example", PASS }, { { "a.b.example", PASS } },
	  R(FAIL), 100, P(REJECT), P(REJECT), P(REJECT), "b.example", "b.example", false },
	{ "neighbours below a public suffix: the walk takes them for one organization", "a.host.example",
	  { { "_dmarc.host.example", REJECT }, { "_dmarc.a.host.example", REJECT } },
	  { "b.host.example", PASS }, { { 0 } },
	  R(FAIL), 100, P(REJECT), P(REJECT), P(REJECT), "a.host.example", "a.host.example", true },
	{ "a public suffix is its own organization", "co.uk",
	  { { "_dmarc.co.uk", "v=DMARC1; p=quarantine; psd=y" } }, { "b.co.uk", PASS }, { { 0 } },
	  R(FAIL), 100, P(QUARANTINE), P(QUARANTINE), P(QUARANTINE), "co.uk", "co.uk", false },
	{ "sp below the organizational domain", "a.b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=none; sp=reject" } }, { 0 }, { { 0 } },
	  R(FAIL), 100, P(REJECT), P(REJECT), P(REJECT), "b.example", "b.example", false },
	{ "np is an unknown tag", "a.b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=none; np=reject" } }, { 0 }, { { 0 } },
	  R(FAIL), 100, P(NONE), P(NONE), P(NONE), "b.example", "b.example", true },
	{ "and so is a bad one", "b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=reject; np=x" } }, { 0 }, { { 0 } },
	  R(FAIL), 100, P(REJECT), P(REJECT), P(REJECT), "b.example", "b.example", true },
	{ "t is an unknown tag", "b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=reject; t=y" } }, { 0 }, { { 0 } },
	  R(FAIL), 100, P(REJECT), P(REJECT), P(REJECT), "b.example", "b.example", true },
	{ "psd too, even twice", "b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=reject; psd=y; psd=n" } }, { 0 }, { { 0 } },
	  R(FAIL), 100, P(REJECT), P(REJECT), P(REJECT), "b.example", "b.example", true },
	/* pct (6.6.4): no lot is drawn. */
	{ "a part of the messages", "b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=reject; pct=50" } }, { 0 }, { { 0 } },
	  R(FAIL), 50, P(REJECT), P(REJECT), P(QUARANTINE), "b.example", "b.example", true },
	{ "none of them", "b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=reject; pct=0" } }, { 0 }, { { 0 } },
	  R(FAIL), 0, P(REJECT), P(QUARANTINE), P(QUARANTINE), "b.example", "b.example", true },
	{ "none of them, quarantine", "b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=quarantine; pct=0" } }, { 0 }, { { 0 } },
	  R(FAIL), 0, P(QUARANTINE), P(NONE), P(NONE), "b.example", "b.example", true },
	{ "of nothing", "b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=none; pct=10" } }, { 0 }, { { 0 } },
	  R(FAIL), 10, P(NONE), P(NONE), P(NONE), "b.example", "b.example", false },
	{ "more than all", "b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=reject; pct=101" } }, { 0 }, { { 0 } },
	  R(FAIL), 100, P(REJECT), P(REJECT), P(REJECT), "b.example", "b.example", false },
	{ "not a number", "b.example",
	  { { "_dmarc.b.example", "v=DMARC1; p=reject; pct=-1" } }, { 0 }, { { 0 } },
	  R(FAIL), 100, P(REJECT), P(REJECT), P(REJECT), "b.example", "b.example", false },
	/* Temporary errors (6.6.2, 6.6.3). */
	{ "the policy", "b.example",
	  { { "_dmarc.b.example", SERVFAIL } }, { "b.example", PASS }, { { 0 } },
	  R(TEMPERROR), 0, P(NONE), P(NONE), P(NONE), "b.example", "", false },
	{ "the policy, above", "a.b.example",
	  { { "_dmarc.b.example", SERVFAIL } }, { "b.example", PASS }, { { 0 } },
	  R(TEMPERROR), 0, P(NONE), P(NONE), P(NONE), "b.example", "", false },
	{ "further above nobody asks", "a.b.example",
	  { { "_dmarc.b.example", REJECT }, { "_dmarc.example", SERVFAIL } }, { "b.example", PASS }, { { 0 } },
	  R(PASS), 100, P(REJECT), P(NONE), P(NONE), "b.example", "b.example", true },
	{ "SPF of a name that could align", "b.example",
	  { { "_dmarc.b.example", REJECT } }, { "a.b.example", TEMP }, { { "c.example", PASS } },
	  R(TEMPERROR), 100, P(REJECT), P(NONE), P(NONE), "b.example", "b.example", false },
	{ "of one that could not", "b.example",
	  { { "_dmarc.b.example", REJECT } }, { "a.c.example", TEMP }, { { 0 } },
	  R(FAIL), 100, P(REJECT), P(REJECT), P(REJECT), "b.example", "b.example", false },
	/* Passing. */
	{ "SPF, same name", "b.example",
	  { { "_dmarc.b.example", REJECT } }, { "b.example", PASS }, { { 0 } },
	  R(PASS), 100, P(REJECT), P(NONE), P(NONE), "b.example", "b.example", false },
	{ "DKIM, second of two, above", "a.b.co.uk",
	  { { "_dmarc.b.co.uk", REJECT } }, { 0 }, { { "c.co.uk", PASS }, { "b.co.uk", PASS } },
	  R(PASS), 100, P(REJECT), P(NONE), P(NONE), "b.co.uk", "b.co.uk", false },
	{ "the only record is the author's own: the walk stops there (D18)", "a.b.example",
	  { { "_dmarc.a.b.example", REJECT } }, { 0 }, { { "b.example", PASS } },
	  R(PASS), 100, P(REJECT), P(NONE), P(NONE), "b.example", "a.b.example", true },
	/* Several author domains (6.6.1). */
	{ "one of two fails", "b.example c.example",
	  { { "_dmarc.b.example", REJECT }, { "_dmarc.c.example", "v=DMARC1; p=quarantine" } },
	  { "b.example", PASS }, { { 0 } },
	  R(FAIL), 100, P(QUARANTINE), P(QUARANTINE), P(QUARANTINE), "c.example", "c.example", false },
};

static struct slice organizational_domain(void *arg, struct slice name)
{
	static const char *const suffixes[] = { "co.uk", "host.example" };
	size_t labels = 1;

	assert_null(arg);
	assert_true(domain_is_canonical(name));
	for (size_t i = 0; i < COUNT_OF(suffixes); i++)
		if (domain_is_equal_or_below(name, slice_of_str(suffixes[i])))
			labels = 2;
	return domain_label_count(name) > labels ? domain_suffix(name, labels + 1) : SLICE_EMPTY;
}

static const struct dmarc_public_suffixes suffixes = { organizational_domain, NULL };

static struct mail_author author_of(const char *domains)
{
	struct mail_author author = { .state = MAIL_AUTHOR_OK };
	struct slice rest = slice_of_str(domains);

	while (rest.ptr)
		author.domains[author.domains_count++] = slice_cut(&rest, ' ');
	return author;
}

static void world_fill(struct world *world, const struct zone *zone)
{
	for (size_t i = 0; i < 4 && zone[i].name; i++) {
		if (!strcmp(zone[i].text, SERVFAIL))
			world_outcome(world, zone[i].name, DNS_TXT, DNS_SERVFAIL);
		else
			world_txt(world, zone[i].name, zone[i].text);
	}
}

static void check(const struct vector *v, const struct dmarc_shadow *shadow)
{
	assert_true(shadow->evaluated);
	if (shadow->result != v->result || shadow->differs != v->differs)
		fail_msg("%s: %s%s", v->what, dmarc_word_text(shadow->result), shadow->differs ? ", differs" : "");
	if (shadow->policy != v->policy || shadow->disposition != v->disposition ||
	    shadow->disposition_unsampled != v->unsampled || shadow->pct != v->pct)
		fail_msg("%s: %s, %s else %s, %u", v->what, dmarc_policy_text(shadow->policy),
		         dmarc_policy_text(shadow->disposition), dmarc_policy_text(shadow->disposition_unsampled),
		         shadow->pct);
	assert_slice_equal(shadow->organizational_domain, slice_of_str(v->organizational_domain));
	assert_slice_equal(shadow->policy_domain, slice_of_str(v->policy_domain));
}

static void evaluate(const struct vector *v, bool eager)
{
	static struct world world;
	struct mail_author author = author_of(v->authors);
	struct dmarc_identifier spf = { slice_of_str(v->spf.domain), (unsigned)v->spf.state }, dkim[2];
	struct dmarc_input input = { .author = &author, .spf = v->spf.domain ? &spf : NULL, .dkim = dkim };
	struct dmarc_result real, before;
	struct dmarc_shadow shadow;
	size_t asked;

	for (; input.dkim_count < 2 && v->dkim[input.dkim_count].domain; input.dkim_count++)
		dkim[input.dkim_count] = (struct dmarc_identifier){ slice_of_str(v->dkim[input.dkim_count].domain),
			                                            (unsigned)v->dkim[input.dkim_count].state };
	world_init(&world);
	world.eager = eager;
	world_fill(&world, v->zone);
	while (dmarc_evaluate(&input, &world.ask, &world.arena, &real) == ASK_BLOCKED)
		continue;
	before = real;
	asked = world.asked_count;
	while (dmarc_shadow_evaluate(&input, &suffixes, &world.ask, &real, &shadow) == ASK_BLOCKED)
		continue;
	check(v, &shadow);
	/* What the walk has asked for is enough; and what it led to is untouched. */
	assert_int_equal(world.asked_count, asked);
	assert_memory_equal(&real, &before, sizeof(real));
	world_deinit(&world);
}

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++)
		for (int eager = 0; eager < 2; eager++)
			evaluate(&vectors[i], eager);
}

/* Where the walk stopped early: one question more, after the real result is there. */
static void test_own_question(void **state)
{
	static struct world world;
	struct mail_author author = author_of("a.b.c.example");
	struct dmarc_input input = { .author = &author };
	struct dmarc_result real;
	struct dmarc_shadow shadow;

	(void)state;
	world_init(&world);
	world.eager = true;
	world_txt(&world, "_dmarc.b.c.example", "v=DMARC1; p=reject; psd=n");
	assert_int_equal(dmarc_evaluate(&input, &world.ask, &world.arena, &real), 0);
	assert_int_equal(world_times_asked(&world, "_dmarc.c.example", DNS_TXT), 0);
	world.eager = false;
	assert_int_equal(dmarc_shadow_evaluate(&input, &suffixes, &world.ask, &real, &shadow), ASK_BLOCKED);
	assert_int_equal(dmarc_shadow_evaluate(&input, &suffixes, &world.ask, &real, &shadow), 0);
	assert_int_equal(world_times_asked(&world, "_dmarc.c.example", DNS_TXT), 2);
	assert_int_equal(shadow.result, R(NONE));
	assert_true(shadow.differs);
	world_deinit(&world);
}

/* No list, or no certain author: nothing is computed, and nothing asked. */
static void test_off(void **state)
{
	static const struct dmarc_public_suffixes none = { .organizational_domain = NULL };
	static const enum mail_author_state states[] = { MAIL_AUTHOR_MISSING, MAIL_AUTHOR_SEVERAL_FIELDS,
							 MAIL_AUTHOR_MALFORMED, MAIL_AUTHOR_NO_ADDRESS };
	static struct world world;
	struct mail_author author = author_of("b.example");
	struct dmarc_input input = { .author = &author };
	struct dmarc_result real = { .result = R(NONE) };
	struct dmarc_shadow shadow;

	(void)state;
	world_init(&world);
	assert_int_equal(dmarc_shadow_evaluate(&input, &none, &world.ask, &real, &shadow), 0);
	assert_false(shadow.evaluated);
	for (size_t i = 0; i < COUNT_OF(states); i++) {
		author.state = states[i];
		assert_int_equal(dmarc_shadow_evaluate(&input, &suffixes, &world.ask, &real, &shadow), 0);
		assert_false(shadow.evaluated);
	}
	author = author_of("a.example b.example c.example d.example");
	assert_int_equal(dmarc_shadow_evaluate(&input, &suffixes, &world.ask, &real, &shadow), 0);
	assert_false(shadow.evaluated);
	assert_int_equal(world.asked_count, 0);
	world_deinit(&world);
}

UNIT_MAIN(cmocka_unit_test(test_vectors), cmocka_unit_test(test_own_question), cmocka_unit_test(test_off))
