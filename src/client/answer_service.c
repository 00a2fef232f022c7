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

static enum assay_dane_delivery delivery_of(int wire)
{
	switch (wire) {
	case ASSAY__V1__TLS_POLICY_RESULT__DANE__DELIVERY__DANE: return ASSAY_DANE_AUTHENTICATE;
	case ASSAY__V1__TLS_POLICY_RESULT__DANE__DELIVERY__TLS_REQUIRED: return ASSAY_DANE_TLS_REQUIRED;
	case ASSAY__V1__TLS_POLICY_RESULT__DANE__DELIVERY__TLS_IF_POSSIBLE: return ASSAY_DANE_TLS_IF_POSSIBLE;
	case ASSAY__V1__TLS_POLICY_RESULT__DANE__DELIVERY__DEFER: return ASSAY_DANE_DEFER;
	case ASSAY__V1__TLS_POLICY_RESULT__DANE__DELIVERY__NO_DELIVERY: return ASSAY_DANE_NO_DELIVERY;
	default: return ASSAY_DANE_UNKNOWN;
	}
}

static void dane_read(struct answer_memory *memory, const Assay__V1__TlsPolicyResult__Dane *wire,
		      struct assay_tls_policy *out)
{
	struct assay_text *names = ANSWER_NEW_ARRAY(memory, wire->n_reference_names, struct assay_text);

	for (size_t i = 0; names && i < wire->n_reference_names; i++)
		names[i] = answer_text(wire->reference_names[i]);
	out->dane = dane_result_of((int)wire->result);
	out->dane_tlsa = answer_strings(wire->tlsa);
	out->dane_tlsa_count = wire->n_tlsa;
	out->dane_reason = answer_reason(wire->reason);
	out->dane_delivery = delivery_of((int)wire->delivery);
	out->dane_mx_host = answer_text(wire->mx_host);
	out->dane_tlsa_base = answer_text(wire->tlsa_base);
	out->dane_reference_names = names;
	out->dane_reference_name_count = wire->n_reference_names;
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
		.has_mx_match = wire->has_mx_match != 0,
		.mx_match = wire->mx_match != 0,
		.tlsrpt = tlsrpt_result_of((int)tlsrpt->result),
		.tlsrpt_rua = answer_strings(tlsrpt->rua),
		.tlsrpt_rua_count = tlsrpt->n_rua,
		.tlsrpt_reason = answer_reason(tlsrpt->reason),
		.postfix = answer_string(wire->postfix),
		.postfix_tlsrpt = answer_string(wire->postfix_tlsrpt),
		.purged = wire->purged != 0,
	};
	dane_read(memory, dane, policy);
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
