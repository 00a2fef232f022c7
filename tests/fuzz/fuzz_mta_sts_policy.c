/*
 * Goal:   a policy document of any octets is read without a fault; what is a policy hangs together, and its Postfix value
 *         holds nothing that Postfix would read as something else.
 * Method: the input is the document; it is kept for a domain, and the whole TLS policy evaluated.
 */
#include "base/error.h"
#include "proto/tlspolicy/tlspolicy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct dns_answer *dns(void *arg, const struct dns_question *question)
{
	static const struct dns_answer none = { .outcome = DNS_NODATA };

	(void)arg;
	(void)question;
	return &none;
}

static const struct policy_answer *kept(void *arg, struct slice domain)
{
	(void)domain;
	return arg;
}

/* Attributes are in pairs of braces, and nothing else has any. */
static void check_postfix(struct slice value)
{
	unsigned open = 0;

	for (size_t i = 0; i < value.len; i++) {
		ASSERT(value.ptr[i] >= ' ' && value.ptr[i] < 0x7f);
		open += value.ptr[i] == '{';
		ASSERT(open <= 1);
		open -= value.ptr[i] == '}';
	}
	ASSERT(open == 0);
}

static void check_policy(const struct tlspolicy *out)
{
	const struct mta_sts_policy *policy = &out->mta_sts.policy;

	ASSERT(policy->max_age_s <= MTA_STS_MAX_AGE_S_MAX);
	ASSERT(policy->mx_count <= MTA_STS_PATTERNS_MAX && (policy->mx_count || policy->mode == MTA_STS_NONE));
	for (size_t n = 0; n < policy->mx_count; n++)
		for (size_t i = 0; i < policy->mx[n].len; i++) {
			uint8_t c = policy->mx[n].ptr[i];

			ASSERT(octet_is_alnum(c) || c == '-' || c == '.' || (c == '*' && i == 0));
		}
	ASSERT((out->postfix.len > 0) == (policy->mode == MTA_STS_ENFORCE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_answer answer = { .outcome = POLICY_FOUND, .id = SLICE("a"), .text = slice_of(data, size) };
	const struct ask_ops ops = { .dns = dns, .policy_kept = kept };
	const struct ask ask = { .ops = &ops, .arg = &answer };
	const struct tlspolicy_config config = { .allow_private_addresses = false };
	struct tlspolicy out;
	struct arena arena;

	arena_init(&arena, (size_t)4 << 20);
	if (tlspolicy_evaluate(SLICE("d.example"), SLICE("a.b.example"), &config, &ask, &arena, &out) == 0) {
		if (out.mta_sts.result == MTA_STS_RESULT_POLICY)
			check_policy(&out);
		check_postfix(out.postfix);
		check_postfix(out.postfix_tlsrpt);
	}
	arena_deinit(&arena);
	return 0;
}
