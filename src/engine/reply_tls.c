#include "engine/reply_parts.h"

#include "base/text.h"

static int text_make(struct slice s, struct arena *arena, char **out)
{
	struct slice copy;

	TRY(arena_copy(arena, s, &copy));
	*out = text_of((const char *)copy.ptr);
	return 0;
}

static int texts_make(const struct slice *texts, size_t count, struct arena *arena, char ***out)
{
	*out = ARENA_NEW_ARRAY(arena, count, char *);
	if (!*out)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		TRY(text_make(texts[i], arena, &(*out)[i]));
	return 0;
}

static int mta_sts_make(const struct mta_sts *mta_sts, struct arena *arena, Assay__V1__TlsPolicyResult__MtaSts *out)
{
	assay__v1__tls_policy_result__mta_sts__init(out);
	out->result = (Assay__V1__TlsPolicyResult__MtaSts__Result)(mta_sts->result + 1);
	if (mta_sts->result == MTA_STS_RESULT_POLICY) {
		TRY(text_make(mta_sts->id, arena, &out->id));
		out->mode = text_of(mta_sts_mode_text(mta_sts->policy.mode));
		out->max_age = mta_sts->policy.max_age_s;
		out->n_mx = mta_sts->policy.mx_count;
		TRY(texts_make(mta_sts->policy.mx, out->n_mx, arena, &out->mx));
	}
	return reply_reason(&mta_sts->reason, arena, &out->reason);
}

/* The TLSA base first; then the domain that is sent to, when its MX records are secure (RFC 7672 section 3.2.2). */
static int reference_names_make(const struct tlspolicy *policy, const struct dane_host *host, struct arena *arena,
                                Assay__V1__TlsPolicyResult__Dane *out)
{
	const struct slice names[] = { host->base, policy->domain, policy->dane.mx_expanded };
	size_t count = policy->dane.mx_secure ? 3 : 1;

	out->reference_names = ARENA_NEW_ARRAY(arena, 3, ProtobufCBinaryData);
	if (!out->reference_names)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (names[i].len && !(i && slice_equal(names[i], names[0])) && !(i == 2 && slice_equal(names[2], names[1])))
			out->reference_names[out->n_reference_names++] = bytes_of(names[i]);
	return 0;
}

static int dane_make(const struct tlspolicy *policy, struct arena *arena, Assay__V1__TlsPolicyResult__Dane *out)
{
	const struct dane_host *host = &policy->dane.hosts[0];
	struct slice text;

	assay__v1__tls_policy_result__dane__init(out);
	out->result = (Assay__V1__TlsPolicyResult__Dane__Result)(host->result + 1);
	out->delivery = (Assay__V1__TlsPolicyResult__Dane__Delivery)(host->delivery + 1);
	out->mx_host = bytes_of(host->host);
	out->tlsa_base = bytes_of(host->base);
	out->tlsa = ARENA_NEW_ARRAY(arena, host->tlsa_count, char *);
	if (!out->tlsa)
		return -ENOMEM;
	for (; out->n_tlsa < host->tlsa_count; out->n_tlsa++) {
		TRY(tlsa_text(&host->tlsa[out->n_tlsa], arena, &text));
		out->tlsa[out->n_tlsa] = text_of((const char *)text.ptr);
	}
	if (host->delivery == DANE_DELIVERY_DANE)
		TRY(reference_names_make(policy, host, arena, out));
	return reply_reason(&host->reason, arena, &out->reason);
}

static int tlsrpt_make(const struct tlsrpt *tlsrpt, struct arena *arena, Assay__V1__TlsPolicyResult__TlsRpt *out)
{
	assay__v1__tls_policy_result__tls_rpt__init(out);
	out->result = (Assay__V1__TlsPolicyResult__TlsRpt__Result)(tlsrpt->result + 1);
	if (tlsrpt->result == TLSRPT_RESULT_RECORD) {
		out->n_rua = tlsrpt->record.rua_count;
		TRY(texts_make(tlsrpt->record.rua, out->n_rua, arena, &out->rua));
	}
	return reply_reason(&tlsrpt->reason, arena, &out->reason);
}

static void count(struct counters *counters, const struct tlspolicy *policy)
{
	counter_reason_up(counters, policy->mta_sts.reason.id);
	counter_reason_up(counters, policy->dane.hosts[0].reason.id);
	counter_reason_up(counters, policy->tlsrpt.reason.id);
	counter_add(counters, COUNTER_OVER_MX_HOSTS, policy->dane.hosts_ignored > 0);
}

int reply_tls_policy(const struct reply_to *to, const struct tlspolicy *policy, bool purged, struct arena *arena)
{
	Assay__V1__Response response = ASSAY__V1__RESPONSE__INIT;
	Assay__V1__TlsPolicyResult made;
	Assay__V1__TlsPolicyResult__MtaSts mta_sts;
	Assay__V1__TlsPolicyResult__Dane dane;
	Assay__V1__TlsPolicyResult__TlsRpt tlsrpt;

	assay__v1__tls_policy_result__init(&made);
	TRY(mta_sts_make(&policy->mta_sts, arena, &mta_sts));
	TRY(dane_make(policy, arena, &dane));
	TRY(tlsrpt_make(&policy->tlsrpt, arena, &tlsrpt));
	TRY(text_make(policy->postfix, arena, &made.postfix));
	TRY(text_make(policy->postfix_tlsrpt, arena, &made.postfix_tlsrpt));
	made.domain = bytes_of(policy->domain);
	made.mta_sts = &mta_sts;
	made.dane = &dane;
	made.tlsrpt = &tlsrpt;
	made.has_mx_match = policy->has_mx_match;
	made.mx_match = policy->mx_match;
	made.purged = purged;
	response.result_case = ASSAY__V1__RESPONSE__RESULT_TLS_POLICY;
	response.tls_policy = &made;
	count(to->shard->counters, policy);
	reply_send(to, &response);
	return 0;
}
