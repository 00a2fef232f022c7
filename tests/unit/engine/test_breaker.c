/*
 * Goal:   names below a dead zone are not asked for, but for a probe now and then, until one is answered; nobody can cut off
 *         a domain whose own servers answer, nor a public suffix.
 * Method: failures and answers on a clock of the test; the public suffixes are "example" and "co.example".
 */
#include "engine/breaker.h"

#include "unit.h"

#include <stdio.h>

#define S INT64_C(1000000000)
#define FAILURES 4

static struct breaker breaker;

static struct slice registrable_domain(void *arg, struct slice name)
{
	struct slice rest = name, domain = SLICE_EMPTY;

	(void)arg;
	while (!slice_equal(rest, SLICE("example")) && !slice_equal(rest, SLICE("co.example"))) {
		size_t dot = slice_find(rest, '.');

		domain = rest;
		if (dot == SLICE_NOT_FOUND)
			return SLICE_EMPTY;
		rest = slice_from(rest, dot + 1);
	}
	return domain;
}

static void begin(unsigned failures, unsigned zones)
{
	const struct breaker_bounds bounds = {
		.failures = failures, .probe_ns = S, .zones_max = zones, .registrable_domain = registrable_domain,
	};

	assert_int_equal(breaker_init(&breaker, &bounds, 8), 0);
}

static void failed(const char *name, int64_t now_ns)
{
	breaker_failed(&breaker, slice_of_str(name), now_ns);
}

static void answered(const char *name, int64_t now_ns)
{
	breaker_answered(&breaker, slice_of_str(name), now_ns);
}

static bool allows(const char *name, int64_t now_ns)
{
	return breaker_allows(&breaker, slice_of_str(name), now_ns);
}

/* Failures of `count` names below `above`, no two alike. */
static void failed_below(const char *above, unsigned first, unsigned count, int64_t now_ns)
{
	char name[64];

	for (unsigned i = first; i < first + count; i++) {
		snprintf(name, sizeof(name), "n%u.%s", i, above);
		failed(name, now_ns);
	}
}

static void test_opens_after_so_many_failures_in_a_row(void **state)
{
	(void)state;
	begin(FAILURES, 64);
	failed("dead.example", 0);
	failed("_dmarc.dead.example", 0);
	failed("s1._domainkey.dead.example", 0);
	assert_true(allows("dead.example", 0));
	failed("dead.example", 0);
	assert_int_equal(breaker.opened, 1);
	assert_false(allows("dead.example", 0));
	assert_false(allows("a.b.dead.example", 0));
	assert_true(allows("other.example", 0));
	assert_true(allows("xdead.example", 0));
	assert_true(allows("example", 0));
	breaker_deinit(&breaker);
}

static void test_an_answer_in_between_ends_the_run(void **state)
{
	(void)state;
	begin(FAILURES, 64);
	for (unsigned i = 0; i < 10; i++) {
		failed_below("a.example", 0, FAILURES - 1, 0);
		answered("a.example", 0);
	}
	assert_int_equal(breaker.opened, 0);
	assert_int_equal(breaker.used, 0);
	breaker_deinit(&breaker);
}

static void test_probes_and_first_answer(void **state)
{
	(void)state;
	begin(FAILURES, 64);
	for (unsigned i = 0; i < FAILURES; i++)
		failed("dead.example", 5 * S);
	assert_false(allows("dead.example", 6 * S - 1));
	assert_true(allows("www.dead.example", 6 * S));
	assert_false(allows("dead.example", 6 * S));
	failed("www.dead.example", 6 * S + 1);
	assert_false(allows("dead.example", 7 * S - 1));
	assert_true(allows("dead.example", 7 * S));
	assert_int_equal(breaker.probes, 2);
	answered("dead.example", 7 * S + 1);
	assert_int_equal(breaker.closed, 1);
	assert_true(allows("dead.example", 7 * S + 1));
	failed("dead.example", 8 * S);
	assert_true(allows("dead.example", 8 * S));
	breaker_deinit(&breaker);
}

static void test_public_suffix_is_never_cut_off(void **state)
{
	char name[64];

	(void)state;
	begin(FAILURES, 64);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "dead%u.co.example", i);
		failed(name, 0);
		failed("co.example", 0);
		failed("example", 0);
	}
	assert_int_equal(breaker.opened, 0);
	assert_true(allows("bank.co.example", 0));
	assert_true(allows("co.example", 0));
	breaker_deinit(&breaker);
}

/* Whatever fails below one dead delegation cuts off that, and not the domain above it. */
static void test_dead_delegation_is_cut_off_alone(void **state)
{
	(void)state;
	begin(FAILURES, 64);
	failed_below("dead.bank.example", 0, FAILURES, 0);
	assert_false(allows("x.dead.bank.example", 0));
	assert_false(allows("dead.bank.example", 0));
	assert_true(allows("bank.example", 0));
	assert_true(allows("www.bank.example", 0));
	assert_true(allows("undead.bank.example", 0));
	answered("www.bank.example", 0);
	assert_false(allows("x.dead.bank.example", 0));
	/* One failure beside it begins a run of the whole domain, in which all below "dead" counts once. */
	failed("www.bank.example", 0);
	failed_below("dead.bank.example", 100, 100, 0);
	assert_int_equal(breaker.opened, 1);
	assert_true(allows("bank.example", 0));
	answered("bank.example", 0);
	failed_below("bank.example", 0, FAILURES, 0);
	assert_false(allows("bank.example", 0));
	breaker_deinit(&breaker);
}

static void test_names_are_compared_by_labels(void **state)
{
	(void)state;
	begin(2, 64);
	failed("undead.bank.example", 0);
	failed("dead.bank.example", 0);
	assert_false(allows("bank.example", 0));
	breaker_deinit(&breaker);
	begin(2, 64);
	failed("dead.bank.example", 0);
	failed("undead.bank.example", 0);
	assert_false(allows("bank.example", 0));
	breaker_deinit(&breaker);
}

static void test_reverse_names(void **state)
{
	(void)state;
	begin(FAILURES, 64);
	failed_below("2.0.192.in-addr.arpa", 0, FAILURES, 0);
	assert_false(allows("1.2.0.192.in-addr.arpa", 0));
	assert_true(allows("1.3.0.192.in-addr.arpa", 0));
	failed_below("0.192.in-addr.arpa", 0, 100, 0);
	failed_below("in-addr.arpa", 0, 100, 0);
	assert_true(allows("0.192.in-addr.arpa", 0));
	failed_below("0.0.1.8.b.d.0.1.0.0.2.ip6.arpa", 0, FAILURES, 0);
	assert_true(allows("8.0.0.1.8.b.d.0.1.0.0.2.ip6.arpa", 0));
	failed_below("8.0.0.1.8.b.d.0.1.0.0.2.ip6.arpa", 0, FAILURES, 0);
	assert_false(allows("8.0.0.1.8.b.d.0.1.0.0.2.ip6.arpa", 0));
	breaker_deinit(&breaker);
}

static void test_old_failures_are_forgotten(void **state)
{
	(void)state;
	begin(FAILURES, 64);
	failed_below("a.example", 0, FAILURES - 1, 0);
	failed_below("a.example", 100, FAILURES - 1, BREAKER_MEMORY_S * S);
	assert_int_equal(breaker.opened, 0);
	failed_below("a.example", 200, 1, (2 * BREAKER_MEMORY_S - 1) * S);
	assert_int_equal(breaker.opened, 1);
	assert_true(allows("a.example", (3 * BREAKER_MEMORY_S - 1) * S));
	assert_int_equal(breaker.used, 0);
	breaker_deinit(&breaker);
}

static void test_table_is_bounded(void **state)
{
	char name[64];

	(void)state;
	begin(FAILURES, 8);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "dead%u.example", i);
		failed(name, i);
	}
	assert_int_equal(breaker.used, 8);
	assert_int_equal(breaker.dropped, 1000 - 8);
	breaker_deinit(&breaker);
	/* The run of failures longest ago gives way. */
	begin(2, 4);
	failed("b.example", 2);
	failed("a.example", 1);
	failed("c.example", 3);
	failed("d.example", 4);
	failed("e.example", 5);
	failed("b.example", 6);
	failed("c.example", 6);
	failed("d.example", 6);
	failed("e.example", 6);
	assert_int_equal(breaker.opened, 4);
	assert_int_equal(breaker.dropped, 1);
	breaker_deinit(&breaker);
}

static void test_longest_name_and_off(void **state)
{
	char name[254];

	(void)state;
	begin(1, 64);
	for (size_t i = 0; i < 253; i++)
		name[i] = i % 2 ? '.' : 'a';
	memcpy(name + 253 - strlen("x.example"), "x.example", sizeof("x.example"));
	failed(name, 0);
	assert_false(allows(name, 0));
	assert_true(allows("x.example", 0));
	breaker_deinit(&breaker);
	begin(0, 64);
	failed_below("a.example", 0, 100, 0);
	assert_true(allows("a.example", 0));
	breaker_deinit(&breaker);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opens_after_so_many_failures_in_a_row),
		cmocka_unit_test(test_an_answer_in_between_ends_the_run),
		cmocka_unit_test(test_probes_and_first_answer),
		cmocka_unit_test(test_public_suffix_is_never_cut_off),
		cmocka_unit_test(test_dead_delegation_is_cut_off_alone),
		cmocka_unit_test(test_names_are_compared_by_labels),
		cmocka_unit_test(test_reverse_names),
		cmocka_unit_test(test_old_failures_are_forgotten),
		cmocka_unit_test(test_table_is_bounded),
		cmocka_unit_test(test_longest_name_and_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
