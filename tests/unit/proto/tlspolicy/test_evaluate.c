/*
 * Goal:   discovery, what is kept and what is fetched come together as RFC 8461 sections 3.1, 3.3 and 5.1 say; DANE goes
 *         before MTA-STS; the Postfix value says the same.
 * Method: a small DNS and a scripted store and fetcher (world.h) for each situation.
 */
#include "proto/tlspolicy/tlspolicy.h"
#include "unit.h"
#include "world.h"

#define DIGEST_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ENFORCE "version: STSv1\r\nmode: enforce\r\nmx: mx.d.example\r\nmx: *.e.example\r\nmax_age: 86400\r\nx: {y}\r\n"
#define TESTING "version: STSv1\nmode: testing\nmx: mx.d.example\nmax_age: 86400\n"

static struct world world;
static struct arena arena;
static struct tlspolicy_config config;

static int begin(void **state)
{
	(void)state;
	world_init(&world);
	arena_init(&arena, (size_t)1 << 20);
	config = (struct tlspolicy_config){ .allow_private_addresses = false };
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_deinit(&arena);
	world_deinit(&world);
	return 0;
}

static struct tlspolicy evaluate_for(const char *domain, const char *mx_host)
{
	struct tlspolicy policy;
	int result, passes = 0;

	while ((result = tlspolicy_evaluate(slice_of_str(domain), slice_of_str(mx_host), &config, &world.ask, &arena,
	                                    &policy)) == ASK_BLOCKED)
		assert_true(++passes < 10);
	assert_int_equal(result, 0);
	return policy;
}

static struct tlspolicy evaluate(void)
{
	return evaluate_for("d.example", "");
}

static void check(enum mta_sts_result result, enum reason_id reason)
{
	struct tlspolicy policy = evaluate();

	assert_int_equal(policy.mta_sts.result, result);
	assert_string_equal(reason_code(policy.mta_sts.reason.id), reason_code(reason));
}

static void record_and_host(const char *id)
{
	static char text[64];

	snprintf(text, sizeof(text), "v=STSv1; id=%s", id);
	world_txt(&world, "_mta-sts.d.example", text);
	world_a(&world, "mta-sts.d.example", "8.8.8.8");
}

static struct policy_answer found(const char *id, const char *text)
{
	return (struct policy_answer){ .outcome = POLICY_FOUND, .id = slice_of_str(id), .text = slice_of_str(text) };
}

static void test_no_record(void **state)
{
	(void)state;
	check(MTA_STS_RESULT_NONE, REASON_MTA_STS_NO_RECORD);
	assert_int_equal(world.policies_asked, 0);
}

static void test_other_records(void **state)
{
	(void)state;
	world_txt(&world, "_mta-sts.d.example", "other");
	world_txt(&world, "_mta-sts.d.example", "v=STSv10; id=a");
	check(MTA_STS_RESULT_NONE, REASON_MTA_STS_NO_RECORD);
}

static void test_two_records(void **state)
{
	(void)state;
	record_and_host("a");
	world_txt(&world, "_mta-sts.d.example", "v=STSv1; id=b");
	check(MTA_STS_RESULT_INVALID, REASON_MTA_STS_RECORDS_SEVERAL);
}

static void test_invalid_record(void **state)
{
	(void)state;
	world_txt(&world, "_mta-sts.d.example", "v=STSv1; id=a-");
	check(MTA_STS_RESULT_INVALID, REASON_MTA_STS_RECORD_INVALID);
}

static void test_record_fault(void **state)
{
	(void)state;
	world_outcome(&world, "_mta-sts.d.example", DNS_TXT, DNS_SERVFAIL);
	check(MTA_STS_RESULT_TEMPERROR, REASON_MTA_STS_RECORD_UNAVAILABLE);
}

static void test_fetched(void **state)
{
	(void)state;
	record_and_host("a");
	world_aaaa(&world, "mta-sts.d.example", "2606:4700::1");
	world.policy_fetched = found("a", ENFORCE);
	check(MTA_STS_RESULT_POLICY, REASON_MTA_STS_POLICY);
	assert_slice_equal(world.policy_asked.domain, SLICE("d.example"));
	assert_slice_equal(world.policy_asked.id, SLICE("a"));
	assert_int_equal(world.policy_asked.addresses_count, 2);
	assert_false(world.policy_asked.again);
}

static void test_kept_of_the_same_id(void **state)
{
	(void)state;
	record_and_host("a");
	world.policy_kept = found("a", ENFORCE);
	check(MTA_STS_RESULT_POLICY, REASON_MTA_STS_POLICY);
	assert_int_equal(world.policies_asked, 0);
	assert_int_equal(world_times_asked(&world, "mta-sts.d.example", DNS_A), 0);
}

static void test_kept_of_another_id(void **state)
{
	struct tlspolicy policy;

	(void)state;
	record_and_host("b");
	world.policy_kept = found("a", ENFORCE);
	world.policy_fetched = found("b", TESTING);
	policy = evaluate();
	assert_int_equal(policy.mta_sts.policy.mode, MTA_STS_TESTING);
	assert_slice_equal(policy.mta_sts.id, SLICE("b"));
}

/* Section 3.1: "a valid cached policy still applies". */
static void test_kept_while_there_is_no_record(void **state)
{
	static const enum dns_outcome outcomes[] = { DNS_NODATA, DNS_SERVFAIL, DNS_BOGUS, DNS_TIMEOUT };

	for (size_t i = 0; i < COUNT_OF(outcomes); i++) {
		end(state);
		begin(state);
		world_outcome(&world, "_mta-sts.d.example", DNS_TXT, outcomes[i]);
		world.policy_kept = found("a", ENFORCE);
		check(MTA_STS_RESULT_POLICY, REASON_MTA_STS_KEPT);
	}
	end(state);
	begin(state);
	record_and_host("b");
	world_txt(&world, "_mta-sts.d.example", "v=STSv1; id=c");
	world.policy_kept = found("a", ENFORCE);
	check(MTA_STS_RESULT_POLICY, REASON_MTA_STS_KEPT);
	assert_int_equal(world.policies_asked, 0);
}

static void test_kept_while_the_new_one_cannot_be_had(void **state)
{
	static const enum policy_outcome outcomes[] = { POLICY_NOT_SERVED, POLICY_INVALID, POLICY_LATE, POLICY_BUSY };

	for (size_t i = 0; i < COUNT_OF(outcomes); i++) {
		end(state);
		begin(state);
		record_and_host("b");
		world.policy_kept = found("a", ENFORCE);
		world.policy_fetched = (struct policy_answer){ .outcome = outcomes[i], .detail = SLICE("why") };
		check(MTA_STS_RESULT_POLICY, REASON_MTA_STS_KEPT_FETCH_FAILED);
		assert_slice_equal(evaluate().mta_sts.reason.detail[1], SLICE("why"));
	}
	end(state);
	begin(state);
	world_txt(&world, "_mta-sts.d.example", "v=STSv1; id=b");
	world.policy_kept = found("a", ENFORCE);
	check(MTA_STS_RESULT_POLICY, REASON_MTA_STS_KEPT_FETCH_FAILED);
}

static void test_not_fetched(void **state)
{
	static const struct {
		enum policy_outcome outcome;
		enum mta_sts_result result;
		enum reason_id reason;
	} vectors[] = {
		{ POLICY_NOT_SERVED, MTA_STS_RESULT_TEMPERROR, REASON_MTA_STS_FETCH_FAILED },
		{ POLICY_LATE, MTA_STS_RESULT_TEMPERROR, REASON_MTA_STS_FETCH_FAILED },
		{ POLICY_BUSY, MTA_STS_RESULT_TEMPERROR, REASON_MTA_STS_FETCH_FAILED },
		{ POLICY_INVALID, MTA_STS_RESULT_INVALID, REASON_MTA_STS_POLICY_INVALID },
	};

	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		end(state);
		begin(state);
		record_and_host("a");
		world.policy_fetched = (struct policy_answer){ .outcome = vectors[i].outcome, .detail = SLICE("why") };
		check(vectors[i].result, vectors[i].reason);
	}
}

static void test_no_policy_host(void **state)
{
	(void)state;
	world_txt(&world, "_mta-sts.d.example", "v=STSv1; id=a");
	check(MTA_STS_RESULT_TEMPERROR, REASON_MTA_STS_NO_ADDRESS);
	assert_int_equal(world.policies_asked, 0);
}

static void test_addresses_that_are_not_public(void **state)
{
	static const char *const v4[] = { "127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "0.0.0.0" };

	for (size_t i = 0; i < COUNT_OF(v4); i++) {
		end(state);
		begin(state);
		world_txt(&world, "_mta-sts.d.example", "v=STSv1; id=a");
		world_a(&world, "mta-sts.d.example", v4[i]);
		world_aaaa(&world, "mta-sts.d.example", "::ffff:8.8.8.8");
		check(MTA_STS_RESULT_TEMPERROR, REASON_MTA_STS_ADDRESS_REFUSED);
		assert_int_equal(world.policies_asked, 0);
		assert_slice_equal(evaluate().mta_sts.reason.detail[1], slice_of_str(v4[i]));
		config.allow_private_addresses = true;
		check(MTA_STS_RESULT_TEMPERROR, REASON_MTA_STS_FETCH_FAILED);
		assert_int_equal(world.policy_asked.addresses_count, 2);
	}
}

/* Rebinding by a mixture: those that are not public are left out. */
static void test_addresses_of_both_kinds(void **state)
{
	(void)state;
	record_and_host("a");
	world_a(&world, "mta-sts.d.example", "127.0.0.1");
	world.policy_fetched = found("a", ENFORCE);
	check(MTA_STS_RESULT_POLICY, REASON_MTA_STS_POLICY);
	assert_int_equal(world.policy_asked.addresses_count, 1);
	assert_int_equal(world.policy_addresses[0].octets[0], 8);
}

static void test_refresh(void **state)
{
	struct mta_sts mta_sts;
	int result;

	(void)state;
	record_and_host("a");
	world.policy_kept = found("a", ENFORCE);
	world.policy_fetched = found("a", TESTING);
	do {
		result = mta_sts_evaluate(SLICE("d.example"), true, &config, &world.ask, &arena, &mta_sts);
	} while (result == ASK_BLOCKED);
	assert_int_equal(result, 0);
	assert_true(world.policy_asked.again);
	assert_int_equal(mta_sts.policy.mode, MTA_STS_TESTING);
}

static void test_no_domain_name(void **state)
{
	static const char *const domains[] = { ".d.example", "", "[192.0.2.1]", "192.0.2.1", "::1", "a..b", "a b" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(domains); i++) {
		struct tlspolicy policy = evaluate_for(domains[i], "");

		assert_int_equal(policy.mta_sts.result, MTA_STS_RESULT_NONE);
		assert_int_equal(policy.tlsrpt.result, TLSRPT_RESULT_NONE);
		assert_int_equal(policy.dane.hosts[0].result, DANE_NONE);
		assert_int_equal(policy.postfix.len, 0);
	}
	assert_int_equal(world.asked_count, 0);
	assert_slice_equal(evaluate_for("D.Example.", "").domain, SLICE("d.example"));
}

static void test_mx_match(void **state)
{
	struct tlspolicy policy;

	(void)state;
	assert_false(evaluate_for("d.example", "mx.d.example").has_mx_match);
	end(state);
	begin(state);
	record_and_host("a");
	world.policy_kept = found("a", ENFORCE);
	assert_false(evaluate().has_mx_match);
	policy = evaluate_for("d.example", "MX.D.example.");
	assert_true(policy.has_mx_match && policy.mx_match);
	policy = evaluate_for("d.example", "a.e.example");
	assert_true(policy.has_mx_match && policy.mx_match);
	policy = evaluate_for("d.example", "e.example");
	assert_true(policy.has_mx_match && !policy.mx_match);
	policy = evaluate_for("d.example", "a b");
	assert_true(policy.has_mx_match && !policy.mx_match);
}

static void test_tlsrpt(void **state)
{
	struct tlspolicy policy;

	(void)state;
	world_txt(&world, "_smtp._tls.d.example", "other");
	world_txt(&world, "_smtp._tls.d.example", "v=TLSRPTv1; rua=mailto:a@b");
	policy = evaluate();
	assert_int_equal(policy.tlsrpt.result, TLSRPT_RESULT_RECORD);
	assert_slice_equal(policy.tlsrpt.record.rua[0], SLICE("mailto:a@b"));
	end(state);
	begin(state);
	world_txt(&world, "_smtp._tls.d.example", "v=TLSRPTv1; rua=mailto:a@b");
	world_txt(&world, "_smtp._tls.d.example", "v=TLSRPTv1; rua=mailto:a@b");
	assert_int_equal(evaluate().tlsrpt.result, TLSRPT_RESULT_INVALID);
	end(state);
	begin(state);
	world_txt(&world, "_smtp._tls.d.example", "v=TLSRPTv1; rua=x");
	assert_int_equal(evaluate().tlsrpt.result, TLSRPT_RESULT_INVALID);
	end(state);
	begin(state);
	world_outcome(&world, "_smtp._tls.d.example", DNS_TXT, DNS_BOGUS);
	assert_int_equal(evaluate().tlsrpt.result, TLSRPT_RESULT_TEMPERROR);
}

/* --- Postfix --- */

static void test_postfix_of_mta_sts(void **state)
{
	struct tlspolicy policy;

	(void)state;
	assert_slice_equal(evaluate().postfix, SLICE(""));
	end(state);
	begin(state);
	record_and_host("a");
	world.policy_kept = found("a", ENFORCE);
	policy = evaluate();
	assert_slice_equal(policy.postfix, SLICE("secure match=mx.d.example:.e.example servername=hostname"));
	assert_slice_equal(policy.postfix_tlsrpt,
	                   SLICE("secure match=mx.d.example:.e.example servername=hostname policy_type=sts "
	                         "policy_domain=d.example mx_host_pattern=mx.d.example mx_host_pattern=*.e.example "
	                         "{ policy_string = version: STSv1 } { policy_string = mode: enforce } "
	                         "{ policy_string = mx: mx.d.example } { policy_string = mx: *.e.example } "
	                         "{ policy_string = max_age: 86400 }"));
	world.policy_kept = found("a", TESTING);
	assert_slice_equal(evaluate().postfix, SLICE(""));
	assert_slice_equal(evaluate().postfix_tlsrpt, SLICE(""));
}

static void host(const char *name, uint16_t preference, const char *tlsa_name, struct slice tlsa)
{
	world_mx(&world, "d.example", preference, name);
	world_a(&world, name, "192.0.2.1");
	if (tlsa.len)
		world_tlsa(&world, tlsa_name, tlsa);
}

/* RFC 8461 section 2: whatever the policy says. */
static void test_postfix_of_dane_before_mta_sts(void **state)
{
	static const struct {
		struct slice a, b;
		enum dns_outcome b_fault;
		const char *level;
	} vectors[] = {
		{ SLICE_INIT("\3\1\1" DIGEST_A), SLICE_INIT("\3\1\1" DIGEST_A), DNS_FOUND, "dane-only" },
		{ SLICE_INIT("\3\1\1" DIGEST_A), SLICE_INIT(""), DNS_SERVFAIL, "dane-only" },
		{ SLICE_INIT("\3\1\1" DIGEST_A), SLICE_INIT(""), DNS_FOUND, "dane" },
		{ SLICE_INIT("\3\1\1" DIGEST_A), SLICE_INIT("\1\1\1" DIGEST_A), DNS_FOUND, "dane" },
		{ SLICE_INIT("\1\1\1" DIGEST_A), SLICE_INIT(""), DNS_FOUND, "dane" },
		{ SLICE_INIT(""), SLICE_INIT(""), DNS_BOGUS, "dane" },
	};

	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		end(state);
		begin(state);
		world.secure = true;
		record_and_host("a");
		world.policy_kept = found("a", ENFORCE);
		host("a.d.example", 1, "_25._tcp.a.d.example", vectors[i].a);
		host("b.d.example", 2, "_25._tcp.b.d.example", vectors[i].b);
		if (vectors[i].b_fault != DNS_FOUND)
			world_outcome(&world, "_25._tcp.b.d.example", DNS_TLSA, vectors[i].b_fault);
		assert_slice_equal(evaluate().postfix, slice_of_str(vectors[i].level));
		assert_slice_equal(evaluate().postfix_tlsrpt, slice_of_str(vectors[i].level));
	}
}

static void test_postfix_where_mx_is_a_fault(void **state)
{
	(void)state;
	record_and_host("a");
	world.policy_kept = found("a", ENFORCE);
	world_outcome(&world, "d.example", DNS_MX, DNS_BOGUS);
	assert_slice_equal(evaluate().postfix, SLICE("dane-only"));
}

/* A host that is not there needs no records; but there must be another. */
static void test_postfix_with_a_host_that_is_missing(void **state)
{
	(void)state;
	world.secure = true;
	host("a.d.example", 1, "_25._tcp.a.d.example", SLICE("\3\1\1" DIGEST_A));
	world_mx(&world, "d.example", 2, "missing.example");
	assert_slice_equal(evaluate().postfix, SLICE("dane-only"));
	end(state);
	begin(state);
	world.secure = true;
	world_mx(&world, "d.example", 2, "missing.example");
	assert_slice_equal(evaluate().postfix, SLICE(""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

UNIT_MAIN(TEST(test_no_record), TEST(test_other_records), TEST(test_two_records), TEST(test_invalid_record),
          TEST(test_record_fault), TEST(test_fetched), TEST(test_kept_of_the_same_id), TEST(test_kept_of_another_id),
          TEST(test_kept_while_there_is_no_record), TEST(test_kept_while_the_new_one_cannot_be_had),
          TEST(test_not_fetched), TEST(test_no_policy_host), TEST(test_addresses_that_are_not_public),
          TEST(test_addresses_of_both_kinds), TEST(test_refresh), TEST(test_no_domain_name), TEST(test_mx_match),
          TEST(test_tlsrpt), TEST(test_postfix_of_mta_sts), TEST(test_postfix_of_dane_before_mta_sts),
          TEST(test_postfix_where_mx_is_a_fault), TEST(test_postfix_with_a_host_that_is_missing))
