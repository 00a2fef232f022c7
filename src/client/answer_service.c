/*
 * answer_service.c - TlsPolicyResult, SealResult and StatusResult of the wire as structs of assay.h.
 */
#include "client/answer_parts.h"

static enum assay_tls_result mta_sts_result_of(int wire)
{
	switch (wire) {
	case ASSAY__V1__TLS_POLICY_RESULT__MTA_STS__RESULT__POLICY: return ASSAY_TLS_POLICY;
	case ASSAY__V1__TLS_POLICY_RESULT__MTA_STS__RESULT__NONE: return ASSAY_TLS_NONE;
	case ASSAY__V1__TLS_POLICY_RESULT__MTA_STS__RESULT__TEMPERROR: return ASSAY_TLS_TEMPERROR;
	case ASSAY__V1__TLS_POLICY_RESULT__MTA_STS__RESULT__INVALID: return ASSAY_TLS_INVALID;
	default: return ASSAY_TLS_UNKNOWN;
	}
}

static enum assay_tls_result dane_result_of(int wire)
{
	switch (wire) {
	case ASSAY__V1__TLS_POLICY_RESULT__DANE__RESULT__SECURE: return ASSAY_TLS_SECURE;
	case ASSAY__V1__TLS_POLICY_RESULT__DANE__RESULT__INSECURE: return ASSAY_TLS_INSECURE;
	case ASSAY__V1__TLS_POLICY_RESULT__DANE__RESULT__BOGUS: return ASSAY_TLS_BOGUS;
	case ASSAY__V1__TLS_POLICY_RESULT__DANE__RESULT__NONE: return ASSAY_TLS_NONE;
	case ASSAY__V1__TLS_POLICY_RESULT__DANE__RESULT__TEMPERROR: return ASSAY_TLS_TEMPERROR;
	default: return ASSAY_TLS_UNKNOWN;
	}
}

static enum assay_tls_result tlsrpt_result_of(int wire)
{
	switch (wire) {
	case ASSAY__V1__TLS_POLICY_RESULT__TLS_RPT__RESULT__RECORD: return ASSAY_TLS_RECORD;
	case ASSAY__V1__TLS_POLICY_RESULT__TLS_RPT__RESULT__NONE: return ASSAY_TLS_NONE;
	case ASSAY__V1__TLS_POLICY_RESULT__TLS_RPT__RESULT__INVALID: return ASSAY_TLS_INVALID;
	case ASSAY__V1__TLS_POLICY_RESULT__TLS_RPT__RESULT__TEMPERROR: return ASSAY_TLS_TEMPERROR;
	default: return ASSAY_TLS_UNKNOWN;
	}
}

const struct assay_tls_policy *answer_tls_policy(struct answer_memory *memory, const Assay__V1__TlsPolicyResult *wire)
{
	/* What a part that is absent on the wire says: all fields are empty. */
	static const Assay__V1__TlsPolicyResult__MtaSts no_mta_sts;
	static const Assay__V1__TlsPolicyResult__Dane no_dane;
	static const Assay__V1__TlsPolicyResult__TlsRpt no_tlsrpt;
	const Assay__V1__TlsPolicyResult__MtaSts *mta_sts = wire->mta_sts ? wire->mta_sts : &no_mta_sts;
	const Assay__V1__TlsPolicyResult__Dane *dane = wire->dane ? wire->dane : &no_dane;
	const Assay__V1__TlsPolicyResult__TlsRpt *tlsrpt = wire->tlsrpt ? wire->tlsrpt : &no_tlsrpt;
	struct assay_tls_policy *policy = ANSWER_NEW(memory, struct assay_tls_policy);

	if (!policy)
		return NULL;
	*policy = (struct assay_tls_policy){
		.domain = answer_text(wire->domain),
		.mta_sts = mta_sts_result_of((int)mta_sts->result),
		.mta_sts_id = answer_string(mta_sts->id),
		.mta_sts_mode = answer_string(mta_sts->mode),
		.mta_sts_mx = answer_strings(mta_sts->mx),
		.mta_sts_mx_count = mta_sts->n_mx,
		.mta_sts_max_age = mta_sts->max_age,
		.mta_sts_reason = answer_reason(mta_sts->reason),
		.dane = dane_result_of((int)dane->result),
		.dane_tlsa = answer_strings(dane->tlsa),
		.dane_tlsa_count = dane->n_tlsa,
		.dane_reason = answer_reason(dane->reason),
		.has_mx_match = wire->has_mx_match != 0,
		.mx_match = wire->mx_match != 0,
		.tlsrpt = tlsrpt_result_of((int)tlsrpt->result),
		.tlsrpt_rua = answer_strings(tlsrpt->rua),
		.tlsrpt_rua_count = tlsrpt->n_rua,
		.postfix = answer_string(wire->postfix),
	};
	return policy;
}

static const struct assay_field *const *fields_of(struct answer_memory *memory, const Assay__V1__SealResult *wire)
{
	const struct assay_field **list = ANSWER_NEW_ARRAY(memory, wire->n_fields, const struct assay_field *);
	struct assay_field *fields = ANSWER_NEW_ARRAY(memory, wire->n_fields, struct assay_field);

	for (size_t i = 0; list && fields && i < wire->n_fields; i++) {
		fields[i].name = answer_string(wire->fields[i]->name);
		fields[i].value = answer_text(wire->fields[i]->value);
		list[i] = &fields[i];
	}
	return list;
}

const struct assay_seal *answer_seal(struct answer_memory *memory, const Assay__V1__SealResult *wire)
{
	struct assay_seal *seal = ANSWER_NEW(memory, struct assay_seal);

	if (!seal)
		return NULL;
	*seal = (struct assay_seal){
		.sealed = wire->sealed != 0,
		.fields = fields_of(memory, wire),
		.field_count = wire->n_fields,
		.instance = wire->instance,
		.cv = answer_arc_result((int)wire->cv),
		.reason = answer_reason(wire->reason),
	};
	return seal;
}

static const struct assay_counter *counters_of(struct answer_memory *memory, const Assay__V1__StatusResult *wire)
{
	struct assay_counter *counters = ANSWER_NEW_ARRAY(memory, wire->n_counters, struct assay_counter);

	for (size_t i = 0; counters && i < wire->n_counters; i++) {
		counters[i] = (struct assay_counter){
			.name = answer_string(wire->counters[i]->name),
			.value = wire->counters[i]->value,
			.gauge = wire->counters[i]->gauge != 0,
		};
	}
	return counters;
}

const struct assay_status *answer_status(struct answer_memory *memory, const Assay__V1__StatusResult *wire)
{
	struct assay_status *status = ANSWER_NEW(memory, struct assay_status);

	if (!status)
		return NULL;
	*status = (struct assay_status){
		.version = answer_string(wire->version),
		.shards = wire->shards,
		.uptime_ms = wire->uptime_ms,
		.listeners = answer_strings(wire->listeners),
		.listener_count = wire->n_listeners,
		.counters = counters_of(memory, wire),
		.counter_count = wire->n_counters,
		.draining = wire->draining != 0,
	};
	return status;
}
