#include "proto/tlspolicy/tlspolicy.h"

#include "proto/mail/domain.h"
#include "proto/tlspolicy/discovery.h"
#include "proto/tlspolicy/postfix.h"

static void settle(struct tlsrpt *out, enum tlsrpt_result result, struct reason reason)
{
	out->result = result;
	out->reason = reason;
}

static int tlsrpt_evaluate(struct slice domain, const struct ask *ask, struct arena *arena, struct tlsrpt *out)
{
	const struct dns_answer *answer;
	enum discovery discovery;
	struct slice text = SLICE_EMPTY, why;
	int result = discovery_ask("_smtp._tls.", domain, SLICE("v=TLSRPTv1"), ask, arena, &discovery, &text, &answer);

	if (result)
		return result;
	why = slice_of_str(answer->outcome == DNS_FOUND ? "other TXT records only" : dns_outcome_text(answer->outcome));
	if (discovery == DISCOVERY_FAULT)
		settle(out, TLSRPT_RESULT_TEMPERROR, reason_of_2(REASON_TLSRPT_RECORD_UNAVAILABLE, domain, why));
	else if (discovery == DISCOVERY_NONE)
		settle(out, TLSRPT_RESULT_NONE, reason_of_2(REASON_TLSRPT_NO_RECORD, domain, why));
	else if (discovery == DISCOVERY_SEVERAL)
		settle(out, TLSRPT_RESULT_INVALID, reason_of_1(REASON_TLSRPT_RECORDS_SEVERAL, domain));
	else if (tlsrpt_record_parse(text, &out->record) != TLSRPT_RECORD_OK)
		settle(out, TLSRPT_RESULT_INVALID, reason_of_1(REASON_TLSRPT_RECORD_INVALID, domain));
	else
		settle(out, TLSRPT_RESULT_RECORD, reason_of_1(REASON_TLSRPT_RECORD, domain));
	return 0;
}

/* An address literal, a name with an empty label: policies are of domains (RFC 8461 section 3.1, RFC 7672 section 2.2). */
static int no_name(struct slice domain, struct arena *arena, struct tlspolicy *out)
{
	struct dane_host *host = ARENA_NEW(arena, struct dane_host);

	if (!host)
		return -ENOMEM;
	*host = (struct dane_host){
		.result = DANE_NONE,
		.delivery = DANE_DELIVERY_TLS_IF_POSSIBLE,
		.reason = reason_of_1(REASON_DANE_NO_NAME, domain),
	};
	out->dane.hosts = host;
	out->dane.hosts_count = 1;
	out->mta_sts.result = MTA_STS_RESULT_NONE;
	out->mta_sts.reason = reason_of_1(REASON_MTA_STS_NO_NAME, domain);
	settle(&out->tlsrpt, TLSRPT_RESULT_NONE, reason_of_1(REASON_TLSRPT_NO_NAME, domain));
	return 0;
}

/* All questions of a pass are under way together. */
static int parts_evaluate(const struct tlspolicy_config *config, const struct ask *ask, struct arena *arena,
                          struct tlspolicy *out)
{
	int mta_sts, dane, tlsrpt;

	TRY(mta_sts = mta_sts_evaluate(out->domain, false, config, ask, arena, &out->mta_sts));
	TRY(dane = dane_evaluate(out->domain, out->mx_host, ask, arena, &out->dane));
	TRY(tlsrpt = tlsrpt_evaluate(out->domain, ask, arena, &out->tlsrpt));
	return mta_sts || dane || tlsrpt ? ASK_BLOCKED : 0;
}

int tlspolicy_evaluate(struct slice domain, struct slice mx_host, const struct tlspolicy_config *config,
                       const struct ask *ask, struct arena *arena, struct tlspolicy *out)
{
	struct ip_address literal;
	int result;

	*out = (struct tlspolicy){ .domain = domain };
	TRY(result = domain_canonical(domain, arena, &out->domain));
	if (result == DOMAIN_INVALID || ip_parse(out->domain, &literal)) {
		out->domain = domain;
		return no_name(domain, arena, out);
	}
	/* One that is no name is nobody's host: it is looked at as it is, matches nothing, and has no address. */
	if (mx_host.len) {
		TRY(result = domain_canonical(mx_host, arena, &out->mx_host));
		out->mx_host = result == DOMAIN_INVALID ? mx_host : out->mx_host;
	}
	result = parts_evaluate(config, ask, arena, out);
	if (result)
		return result;
	out->has_mx_match = mx_host.len > 0 && out->mta_sts.result == MTA_STS_RESULT_POLICY;
	out->mx_match = out->has_mx_match && mta_sts_mx_matches(&out->mta_sts.policy, out->mx_host);
	return postfix_policy(out, arena);
}
