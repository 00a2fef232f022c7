/*
 * Goal:   each situation of RFC 7672 section 2 gives the result, the delivery and the reason it has to; errors never lead
 *         to delivery in the clear.
 * Method: a small DNS for each situation; every question is pending at first (world.h). TLSA records by tables.
 */
#include "proto/tlspolicy/dane.h"
#include "unit.h"
#include "world.h"

#define DIGEST_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define DIGEST_64 DIGEST_A DIGEST_B
#define EE SLICE("\3\1\1" DIGEST_A)

static struct world world;
static struct arena arena;

static int begin(void **state)
{
	(void)state;
	world_init(&world);
	world.secure = true;
	arena_init(&arena, (size_t)1 << 20);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_deinit(&arena);
	world_deinit(&world);
	return 0;
}

static struct dane_domain evaluate_at(const char *mx_host)
{
	struct dane_domain dane;
	int result, passes = 0;

	while ((result = dane_evaluate(SLICE("d.example"), slice_of_str(mx_host), &world.ask, &arena, &dane)) == ASK_BLOCKED)
		assert_true(++passes < 10);
	assert_int_equal(result, 0);
	return dane;
}

static void check(enum dane_result result, enum dane_delivery delivery, enum reason_id reason)
{
	struct dane_domain dane = evaluate_at("");

	assert_int_equal(dane.hosts[0].result, result);
	assert_int_equal(dane.hosts[0].delivery, delivery);
	assert_string_equal(reason_code(dane.hosts[0].reason.id), reason_code(reason));
	assert_int_equal(dane.hosts[0].tlsa_count > 0, delivery == DANE_DELIVERY_DANE);
}

static void one_host(void)
{
	world_mx(&world, "d.example", 10, "mx.example");
	world_a(&world, "mx.example", "192.0.2.1");
}

static void test_secure(void **state)
{
	struct dane_domain dane;

	(void)state;
	one_host();
	world_tlsa(&world, "_25._tcp.mx.example", EE);
	check(DANE_SECURE, DANE_DELIVERY_DANE, REASON_DANE_RECORDS);
	dane = evaluate_at("");
	assert_true(dane.mx_secure);
	assert_slice_equal(dane.hosts[0].base, SLICE("mx.example"));
}

static void test_implicit_mx(void **state)
{
	(void)state;
	world_aaaa(&world, "d.example", "2001:db8::1");
	world_tlsa(&world, "_25._tcp.d.example", EE);
	check(DANE_SECURE, DANE_DELIVERY_DANE, REASON_DANE_RECORDS);
}

static void test_null_mx(void **state)
{
	(void)state;
	world_mx(&world, "d.example", 0, "");
	check(DANE_NONE, DANE_DELIVERY_NONE, REASON_DANE_NULL_MX);
	assert_int_equal(world.asked_count, 1);
}

static void test_no_domain(void **state)
{
	(void)state;
	check(DANE_NONE, DANE_DELIVERY_NONE, REASON_DANE_NO_DOMAIN);
	assert_int_equal(world.asked_count, 1);
}

static void test_mx_faults(void **state)
{
	static const enum dns_outcome outcomes[] = { DNS_BOGUS, DNS_SERVFAIL, DNS_TIMEOUT, DNS_BUDGET, DNS_INVALID, DNS_SILENT };

	for (size_t i = 0; i < COUNT_OF(outcomes); i++) {
		end(state);
		begin(state);
		world_outcome(&world, "d.example", DNS_MX, outcomes[i]);
		world_a(&world, "d.example", "192.0.2.1");
		check(outcomes[i] == DNS_BOGUS ? DANE_BOGUS : DANE_TEMPERROR, DANE_DELIVERY_DEFER, REASON_DANE_MX_UNAVAILABLE);
	}
}

static void test_mx_insecure(void **state)
{
	(void)state;
	one_host();
	world_tlsa(&world, "_25._tcp.mx.example", EE);
	world_insecure(&world, "d.example");
	check(DANE_INSECURE, DANE_DELIVERY_TLS_IF_POSSIBLE, REASON_DANE_MX_INSECURE);
}

/* The absence of MX records leads to the domain itself, whoever says it; its own addresses decide. */
static void test_implicit_mx_by_an_insecure_denial(void **state)
{
	struct dane_domain dane;

	(void)state;
	world_cname(&world, "d.example", "h.insecure.example");
	world_a(&world, "h.insecure.example", "192.0.2.1");
	world_insecure(&world, "h.insecure.example");
	world_tlsa(&world, "_25._tcp.d.example", EE);
	dane = evaluate_at("");
	assert_false(dane.mx_secure);
	assert_int_equal(dane.hosts[0].delivery, DANE_DELIVERY_DANE);
	assert_int_equal(evaluate_at("other.example").hosts[0].result, DANE_INSECURE);
}

/* Section 2.2.2: name servers that fail on TLSA are those of unsigned zones. */
static void test_address_insecure_so_no_tlsa_question(void **state)
{
	(void)state;
	one_host();
	world_outcome(&world, "_25._tcp.mx.example", DNS_TLSA, DNS_SERVFAIL);
	world_insecure(&world, "mx.example");
	check(DANE_INSECURE, DANE_DELIVERY_TLS_IF_POSSIBLE, REASON_DANE_ADDRESS_INSECURE);
	assert_int_equal(world_times_asked(&world, "_25._tcp.mx.example", DNS_TLSA), 0);
}

static void test_address_faults(void **state)
{
	(void)state;
	world_mx(&world, "d.example", 10, "mx.example");
	world_outcome(&world, "mx.example", DNS_A, DNS_BOGUS);
	check(DANE_BOGUS, DANE_DELIVERY_DEFER, REASON_DANE_ADDRESS_UNAVAILABLE);
}

static void test_one_family_fails_the_other_serves(void **state)
{
	(void)state;
	one_host();
	world_outcome(&world, "mx.example", DNS_AAAA, DNS_SERVFAIL);
	world_tlsa(&world, "_25._tcp.mx.example", EE);
	check(DANE_SECURE, DANE_DELIVERY_DANE, REASON_DANE_RECORDS);
}

static void test_no_address(void **state)
{
	(void)state;
	world_mx(&world, "d.example", 10, "mx.example");
	world_tlsa(&world, "_25._tcp.mx.example", EE);
	check(DANE_NONE, DANE_DELIVERY_NONE, REASON_DANE_NO_ADDRESS);
}

static void test_tlsa_absent(void **state)
{
	(void)state;
	one_host();
	check(DANE_NONE, DANE_DELIVERY_TLS_IF_POSSIBLE, REASON_DANE_NO_RECORDS);
}

static void test_tlsa_insecure(void **state)
{
	(void)state;
	one_host();
	world_tlsa(&world, "_25._tcp.mx.example", EE);
	world_insecure(&world, "_25._tcp.mx.example");
	check(DANE_INSECURE, DANE_DELIVERY_TLS_IF_POSSIBLE, REASON_DANE_RECORDS_INSECURE);
}

static void test_tlsa_faults(void **state)
{
	static const enum dns_outcome outcomes[] = { DNS_BOGUS, DNS_SERVFAIL, DNS_TIMEOUT, DNS_BUDGET, DNS_INVALID, DNS_SILENT };

	for (size_t i = 0; i < COUNT_OF(outcomes); i++) {
		end(state);
		begin(state);
		one_host();
		world_outcome(&world, "_25._tcp.mx.example", DNS_TLSA, outcomes[i]);
		check(outcomes[i] == DNS_BOGUS ? DANE_BOGUS : DANE_TEMPERROR, DANE_DELIVERY_DEFER,
		      REASON_DANE_RECORDS_UNAVAILABLE);
	}
}

static void test_all_unusable(void **state)
{
	(void)state;
	one_host();
	world_tlsa(&world, "_25._tcp.mx.example", SLICE("\1\1\1" DIGEST_A));
	world_tlsa(&world, "_25._tcp.mx.example", SLICE("\3\1\1short"));
	check(DANE_SECURE, DANE_DELIVERY_TLS_REQUIRED, REASON_DANE_UNUSABLE);
}

static void test_host_alias(void **state)
{
	struct dane_domain dane;

	(void)state;
	world_mx(&world, "d.example", 10, "alias.example");
	world_cname(&world, "alias.example", "mx.example");
	world_a(&world, "mx.example", "192.0.2.1");
	world_tlsa(&world, "_25._tcp.mx.example", EE);
	world_tlsa(&world, "_25._tcp.alias.example", SLICE("\3\1\1" DIGEST_B));
	dane = evaluate_at("");
	assert_slice_equal(dane.hosts[0].base, SLICE("mx.example"));
	assert_slice_equal(dane.hosts[0].tlsa[0].data, SLICE(DIGEST_A));
}

static void test_host_alias_without_records_at_its_end(void **state)
{
	struct dane_domain dane;

	(void)state;
	world_mx(&world, "d.example", 10, "alias.example");
	world_cname(&world, "alias.example", "mx.example");
	world_a(&world, "mx.example", "192.0.2.1");
	world_tlsa(&world, "_25._tcp.alias.example", EE);
	dane = evaluate_at("");
	assert_int_equal(dane.hosts[0].delivery, DANE_DELIVERY_DANE);
	assert_slice_equal(dane.hosts[0].base, SLICE("alias.example"));
}

/* "Insecure CNAME": the name before it counts when its alias is secure, and no other. */
static void test_host_alias_into_an_insecure_zone(void **state)
{
	struct dane_domain dane;

	(void)state;
	world_mx(&world, "d.example", 10, "alias.example");
	world_cname(&world, "alias.example", "mx.insecure.example");
	world_a(&world, "mx.insecure.example", "192.0.2.1");
	world_insecure(&world, "mx.insecure.example");
	world_tlsa(&world, "_25._tcp.mx.insecure.example", EE);
	world_tlsa(&world, "_25._tcp.alias.example", EE);
	dane = evaluate_at("");
	assert_int_equal(dane.hosts[0].delivery, DANE_DELIVERY_DANE);
	assert_slice_equal(dane.hosts[0].base, SLICE("alias.example"));
	assert_int_equal(world_times_asked(&world, "_25._tcp.mx.insecure.example", DNS_TLSA), 0);
	end(state);
	begin(state);
	world_mx(&world, "d.example", 10, "alias.example");
	world_cname(&world, "alias.example", "mx.example");
	world_a(&world, "mx.example", "192.0.2.1");
	world_insecure(&world, "alias.example");
	world_tlsa(&world, "_25._tcp.mx.example", EE);
	check(DANE_INSECURE, DANE_DELIVERY_TLS_IF_POSSIBLE, REASON_DANE_ADDRESS_INSECURE);
}

static void test_tlsa_alias(void **state)
{
	(void)state;
	one_host();
	world_cname(&world, "_25._tcp.mx.example", "tlsa.example");
	world_tlsa(&world, "tlsa.example", EE);
	check(DANE_SECURE, DANE_DELIVERY_DANE, REASON_DANE_RECORDS);
	end(state);
	begin(state);
	one_host();
	world_cname(&world, "_25._tcp.mx.example", "tlsa.example");
	world_tlsa(&world, "tlsa.example", EE);
	world_insecure(&world, "tlsa.example");
	check(DANE_INSECURE, DANE_DELIVERY_TLS_IF_POSSIBLE, REASON_DANE_RECORDS_INSECURE);
}

static void test_hosts_stand_by_preference(void **state)
{
	struct dane_domain dane;

	(void)state;
	world_mx(&world, "d.example", 20, "b.example");
	world_mx(&world, "d.example", 10, "c.example");
	world_mx(&world, "d.example", 10, "a.example");
	dane = evaluate_at("");
	assert_int_equal(dane.hosts_count, 3);
	assert_slice_equal(dane.hosts[0].host, SLICE("a.example"));
	assert_slice_equal(dane.hosts[1].host, SLICE("c.example"));
	assert_slice_equal(dane.hosts[2].host, SLICE("b.example"));
}

static void test_the_host_that_is_asked_for(void **state)
{
	struct dane_domain dane;

	(void)state;
	one_host();
	world_mx(&world, "d.example", 20, "b.example");
	world_a(&world, "b.example", "192.0.2.2");
	world_tlsa(&world, "_25._tcp.b.example", EE);
	dane = evaluate_at("b.example");
	assert_int_equal(dane.hosts_count, 1);
	assert_int_equal(dane.hosts[0].delivery, DANE_DELIVERY_DANE);
	assert_int_equal(world_times_asked(&world, "mx.example", DNS_A), 0);
}

static void test_bound_on_hosts(void **state)
{
	static char names[DANE_HOSTS_MAX + 2][16];
	struct dane_domain dane;

	(void)state;
	for (unsigned i = 0; i < DANE_HOSTS_MAX + 2; i++) {
		sprintf(names[i], "h%02u.example", i);
		world_mx(&world, "d.example", (uint16_t)i, names[i]);
	}
	dane = evaluate_at("");
	assert_int_equal(dane.hosts_count, DANE_HOSTS_MAX);
	assert_int_equal(dane.hosts_ignored, 2);
	assert_int_equal(world_times_asked(&world, names[DANE_HOSTS_MAX], DNS_A), 0);
}

static void test_targets_that_are_no_host_names(void **state)
{
	(void)state;
	world_mx(&world, "d.example", 10, "a\\032b.example");
	check(DANE_NONE, DANE_DELIVERY_NONE, REASON_DANE_NO_ADDRESS);
}

static void test_usable(void **state)
{
	static const struct {
		struct slice rdata;
		bool usable;
	} vectors[] = {
		{ SLICE_INIT(""), false },
		{ SLICE_INIT("\3\1"), false },
		{ SLICE_INIT("\3\1\1"), false },
		{ SLICE_INIT("\3\1\0"), false },
		{ SLICE_INIT("\0\1\1" DIGEST_A), false },
		{ SLICE_INIT("\1\1\1" DIGEST_A), false },
		{ SLICE_INIT("\4\1\1" DIGEST_A), false },
		{ SLICE_INIT("\377\1\1" DIGEST_A), false },
		{ SLICE_INIT("\3\2\1" DIGEST_A), false },
		{ SLICE_INIT("\3\1\3" DIGEST_A), false },
		{ SLICE_INIT("\3\1\1" DIGEST_A "a"), false },
		{ SLICE_INIT("\3\1\2" DIGEST_A), false },
		{ SLICE_INIT("\3\1\1" DIGEST_A), true },
		{ SLICE_INIT("\2\0\2" DIGEST_64), true },
		{ SLICE_INIT("\3\0\0certificate"), true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		struct tlsa tlsa;

		assert_int_equal(tlsa_read(vectors[i].rdata, &tlsa) && tlsa_is_usable(&tlsa), vectors[i].usable);
	}
}

/* RFC 7671 section 9. */
static void test_digest_agility(void **state)
{
	static const struct dns_record records[] = {
		{ .data = SLICE_INIT("\3\1\1" DIGEST_A) },   { .data = SLICE_INIT("\3\1\2" DIGEST_64) },
		{ .data = SLICE_INIT("\3\1\0key") },         { .data = SLICE_INIT("\3\0\1" DIGEST_B) },
		{ .data = SLICE_INIT("\2\1\1" DIGEST_A) },   { .data = SLICE_INIT("\3\1\2" DIGEST_64) },
		{ .data = SLICE_INIT("\2\1\2short") },
	};
	const struct dns_answer answer = { .count = COUNT_OF(records), .records = records };
	static const char *const want[] = { "3 1 2 ", "3 1 0 6b6579", "3 0 1 ", "2 1 1 61616161" };
	struct tlsa *list;
	size_t count;

	(void)state;
	assert_int_equal(tlsa_select(&answer, &arena, &list, &count), 0);
	assert_int_equal(count, COUNT_OF(want));
	for (size_t i = 0; i < count; i++) {
		struct slice text;

		assert_int_equal(tlsa_text(&list[i], &arena, &text), 0);
		assert_true(slice_starts_with(text, slice_of_str(want[i])));
	}
}

static void test_bound_on_records(void **state)
{
	static struct dns_record records[TLSA_RECORDS_MAX + 1];
	const struct dns_answer answer = { .count = COUNT_OF(records), .records = records };
	struct tlsa *list;
	size_t count;

	(void)state;
	for (size_t i = 0; i < TLSA_RECORDS_MAX; i++)
		records[i].data = SLICE("\1\1\1" DIGEST_A);
	records[TLSA_RECORDS_MAX].data = EE;
	assert_int_equal(tlsa_select(&answer, &arena, &list, &count), 0);
	assert_int_equal(count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

UNIT_MAIN(TEST(test_secure), TEST(test_implicit_mx), TEST(test_implicit_mx_by_an_insecure_denial), TEST(test_null_mx), TEST(test_no_domain), TEST(test_mx_faults),
          TEST(test_mx_insecure), TEST(test_address_insecure_so_no_tlsa_question), TEST(test_address_faults),
          TEST(test_one_family_fails_the_other_serves), TEST(test_no_address), TEST(test_tlsa_absent),
          TEST(test_tlsa_insecure), TEST(test_tlsa_faults), TEST(test_all_unusable), TEST(test_host_alias),
          TEST(test_host_alias_without_records_at_its_end), TEST(test_host_alias_into_an_insecure_zone),
          TEST(test_tlsa_alias), TEST(test_hosts_stand_by_preference), TEST(test_the_host_that_is_asked_for),
          TEST(test_bound_on_hosts), TEST(test_targets_that_are_no_host_names), TEST(test_usable),
          TEST(test_digest_agility), TEST(test_bound_on_records))
