/*
 * Goal:   the tree walk asks what RFC 9989 section 4.10 says, in that order and no more than eight times, and picks the
 *         organizational domain and the policy of 4.10.1 and 4.10.2; errors are kept, and only where they matter.
 * Method: scripted zones; each vector once with answers at hand and once with every answer pending first.
 */
#include "proto/dmarc/walk.h"
#include "unit.h"
#include "world.h"

struct zone {
	const char *name; /* behind "_dmarc."; NULL ends */
	const char *text; /* NULL: SERVFAIL */
};

#define ANY "?" /* unknown */

static const struct vector {
	const char *what, *name;
	struct zone zone[4];
	const char *organizational, *policy; /* domains; policy NULL: none */
	const char *candidate;               /* for an unknown organizational domain */
	size_t steps;                        /* of a walk one at a time */
} vectors[] = {
	{ "nothing at all: the name itself", "a.b.example",
	  { { 0 } },
	  "a.b.example", NULL, NULL, 3 },
	{ "one label", "example",
	  { { "example", "v=DMARC1; p=none" } },
	  "example", "example", NULL, 1 },
	{ "other TXT records do not count", "b.example",
	  { { "b.example", "v=spf1" } },
	  "b.example", NULL, NULL, 2 },
	{ "several: none counts, and the walk goes on (4.10 step 2)", "a.b.example",
	  { { "a.b.example", "v=DMARC1; p=none" }, { "a.b.example", "v=DMARC1; p=none" },
	    { "b.example", "v=DMARC1; p=none" } },
	  "b.example", "b.example", NULL, 3 },
	{ "one beside others counts", "b.example",
	  { { "b.example", "x" }, { "b.example", "v=DMARC1; p=none" }, { "b.example", "y" } },
	  "b.example", "b.example", NULL, 2 },
	{ "a tag twice: does not count", "b.example",
	  { { "b.example", "v=DMARC1; p=none; p=none" } },
	  "b.example", NULL, NULL, 2 },
	{ "an invalid and a valid one: several", "b.example",
	  { { "b.example", "v=DMARC1; p=none; p=none" }, { "b.example", "v=DMARC1; p=none" } },
	  "b.example", NULL, NULL, 2 },
	{ "the top-most record, not the nearest", "a.b.example",
	  { { "a.b.example", "v=DMARC1; p=none" }, { "b.example", "v=DMARC1; p=none" } },
	  "b.example", "a.b.example", NULL, 3 },
	{ "in the middle: stepped over for the policy too", "a.b.c.example",
	  { { "b.c.example", "v=DMARC1; p=none" }, { "c.example", "v=DMARC1; p=none" } },
	  "c.example", "c.example", NULL, 4 },
	{ "down to the one label", "a.example",
	  { { "example", "v=DMARC1; p=none" } },
	  "example", "example", NULL, 2 },
	{ "psd=n stops", "a.b.example",
	  { { "b.example", "v=DMARC1; p=none; psd=n" }, { "example", "v=DMARC1; p=none" } },
	  "b.example", "b.example", NULL, 2 },
	{ "psd=n at the name", "a.b.example",
	  { { "a.b.example", "v=DMARC1; p=none; psd=n" }, { "b.example", "v=DMARC1; p=none" } },
	  "a.b.example", "a.b.example", NULL, 1 },
	{ "psd=y above: one label below it", "a.b.example",
	  { { "example", "v=DMARC1; p=none; psd=y" } },
	  "b.example", "example", NULL, 3 },
	{ "psd=y right above the author domain", "b.example",
	  { { "example", "v=DMARC1; p=none; psd=y" } },
	  "b.example", "example", NULL, 2 },
	{ "psd=y at the name itself: not one below", "b.example",
	  { { "b.example", "v=DMARC1; p=none; psd=y" }, { "example", "v=DMARC1; p=none" } },
	  "b.example", "b.example", NULL, 1 },
	{ "psd=y is not used where the organization has a record", "a.b.example",
	  { { "b.example", "v=DMARC1; p=none" }, { "example", "v=DMARC1; p=none; psd=y" } },
	  "b.example", "b.example", NULL, 3 },
	{ "nor psd=y above, but for a record in the middle", "a.b.c.example",
	  { { "b.c.example", "v=DMARC1; p=none" }, { "example", "v=DMARC1; p=none; psd=y" } },
	  "c.example", "example", NULL, 4 },
	{ "13 labels: the name, then 7 of them", "a.b.c.d.e.f.g.h.i.j.k.l.example",
	  { { 0 } },
	  "a.b.c.d.e.f.g.h.i.j.k.l.example", NULL, NULL, 8 },
	{ "9 labels skip one", "a.b.c.d.e.f.g.h.example",
	  { { "b.c.d.e.f.g.h.example", "v=DMARC1; p=none" } },
	  "a.b.c.d.e.f.g.h.example", NULL, NULL, 8 },
	{ "8 labels do not", "a.b.c.d.e.f.g.example",
	  { { "b.c.d.e.f.g.example", "v=DMARC1; p=none" } },
	  "b.c.d.e.f.g.example", "b.c.d.e.f.g.example", NULL, 8 },
	{ "psd=y far above a deep name", "a.b.c.d.e.f.g.h.i.j.k.l.example",
	  { { "example", "v=DMARC1; p=none; psd=y" } },
	  "l.example", "example", NULL, 8 },
	/* STANDARDS 1.5 */
	{ "error at the name", "a.b.example",
	  { { "a.b.example", NULL }, { "b.example", "v=DMARC1; p=none" } },
	  ANY, ANY, "b.example", 3 },
	{ "error above", "a.b.example",
	  { { "b.example", NULL } },
	  ANY, ANY, "b.example", 3 },
	{ "error above a record at the name: the policy is known", "a.b.example",
	  { { "a.b.example", "v=DMARC1; p=none" }, { "example", NULL } },
	  ANY, "a.b.example", "example", 3 },
	{ "error behind a stop is not seen", "a.b.example",
	  { { "b.example", "v=DMARC1; p=none; psd=n" }, { "example", NULL } },
	  "b.example", "b.example", NULL, 2 },
	{ "error below a public suffix", "a.b.example",
	  { { "b.example", NULL }, { "example", "v=DMARC1; p=none; psd=y" } },
	  ANY, ANY, "b.example", 3 },
};

static void world_fill(struct world *world, const struct zone *zone, char names[4][300])
{
	for (size_t i = 0; i < 4 && zone[i].name; i++) {
		sprintf(names[i], "_dmarc.%s", zone[i].name);
		if (zone[i].text)
			world_txt(world, names[i], zone[i].text);
		else
			world_outcome(world, names[i], DNS_TXT, DNS_SERVFAIL);
	}
}

static void check(const struct vector *v, const struct dmarc_walk *walk)
{
	bool known = strcmp(v->organizational, ANY) != 0;

	if (walk->steps_count != v->steps || walk->organizational_domain_known != known)
		fail_msg("%s: %zu steps", v->what, walk->steps_count);
	assert_slice_equal(walk->organizational_domain, known ? slice_of_str(v->organizational) : SLICE_EMPTY);
	if (!known)
		assert_slice_equal(dmarc_walk_highest_candidate(walk), slice_of_str(v->candidate));
	if (v->policy && !strcmp(v->policy, ANY)) {
		assert_false(walk->policy_known);
		assert_null(walk->policy);
		return;
	}
	assert_true(walk->policy_known);
	assert_slice_equal(walk->policy ? walk->policy->name : SLICE_EMPTY, slice_of_str(v->policy));
}

static void test_vectors(void **state)
{
	static struct world world;
	char names[4][300];

	(void)state;
	for (size_t i = 0; i < 2 * COUNT_OF(vectors); i++) {
		const struct vector *v = &vectors[i / 2];
		struct dmarc_walk walk;
		unsigned passes = 0;

		world_init(&world);
		world.eager = i % 2;
		world_fill(&world, v->zone, names);
		while (dmarc_walk(slice_of_str(v->name), &world.ask, &walk) == ASK_BLOCKED)
			assert_int_equal(passes++, 0);
		check(v, &walk);
		/* One at a time asks for the steps; all together for no more than the whole walk, the steps first. */
		if (world.eager)
			assert_int_equal(world.asked_count, v->steps);
		for (size_t k = 0; k < v->steps; k++)
			assert_slice_equal(slice_of_str(world.asked[k].name + 7), walk.steps[k].name);
		assert_true(world.asked_count <= DMARC_WALK_QUERIES_MAX);
		world_deinit(&world);
	}
}

/* "_dmarc." in front would make 254 octets and more: no such name can be asked for. */
static void test_long_name(void **state)
{
	static struct world world;
	struct dmarc_walk walk;
	char name[254];

	(void)state;
	for (size_t i = 0; i < 253; i++)
		name[i] = i % 64 == 63 ? '.' : 'a';
	name[253] = 0;
	world_init(&world);
	world.eager = true;
	assert_int_equal(dmarc_walk(slice_of_str(name), &world.ask, &walk), 0);
	assert_int_equal(walk.steps_count, 4);
	assert_int_equal(world.asked_count, 3);
	assert_slice_equal(walk.organizational_domain, slice_of_str(name));
	world_deinit(&world);
}

UNIT_MAIN(cmocka_unit_test(test_vectors), cmocka_unit_test(test_long_name))
