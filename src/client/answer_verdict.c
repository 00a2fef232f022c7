/*
 * answer_verdict.c - a Verdict of the wire as struct assay_verdict.
 */
#include "client/answer_parts.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

/* Wire numbers are looked up, so that those of a newer daemon become ASSAY_UNKNOWN. */
static enum assay_result result_of(const enum assay_result *results, size_t count, int wire)
{
	return wire >= 0 && (size_t)wire < count ? results[wire] : ASSAY_UNKNOWN;
}

static const struct assay_spf *spf_of(struct answer_memory *memory, const Assay__V1__Spf *wire)
{
	static const enum assay_result results[] = {
		[ASSAY__V1__SPF__RESULT__NONE] = ASSAY_NONE,
		[ASSAY__V1__SPF__RESULT__NEUTRAL] = ASSAY_NEUTRAL,
		[ASSAY__V1__SPF__RESULT__PASS] = ASSAY_PASS,
		[ASSAY__V1__SPF__RESULT__FAIL] = ASSAY_FAIL,
		[ASSAY__V1__SPF__RESULT__SOFTFAIL] = ASSAY_SOFTFAIL,
		[ASSAY__V1__SPF__RESULT__TEMPERROR] = ASSAY_TEMPERROR,
		[ASSAY__V1__SPF__RESULT__PERMERROR] = ASSAY_PERMERROR,
	};
	struct assay_spf *spf = wire ? ANSWER_NEW(memory, struct assay_spf) : NULL;

	if (!spf)
		return NULL;
	*spf = (struct assay_spf){
		.result = result_of(results, COUNT_OF(results), (int)wire->result),
		.scope = wire->scope == ASSAY__V1__SPF__SCOPE__HELO ? ASSAY_SPF_HELO : ASSAY_SPF_MAILFROM,
		.domain = answer_text(wire->domain),
		.explanation = wire->explanation && wire->explanation[0] ? wire->explanation : NULL,
		.mechanism = answer_text(wire->mechanism),
		.mechanism_domain = answer_text(wire->mechanism_domain),
		.has_network_prefix = wire->has_network_prefix != 0,
		.network_prefix = wire->network_prefix,
		.reason = answer_reason(wire->reason),
	};
	return spf;
}

static const struct assay_dkim *dkim_of(struct answer_memory *memory, const Assay__V1__Dkim *wire)
{
	static const enum assay_result results[] = {
		[ASSAY__V1__DKIM__RESULT__PASS] = ASSAY_PASS,
		[ASSAY__V1__DKIM__RESULT__FAIL] = ASSAY_FAIL,
		[ASSAY__V1__DKIM__RESULT__POLICY] = ASSAY_POLICY,
		[ASSAY__V1__DKIM__RESULT__NEUTRAL] = ASSAY_NEUTRAL,
		[ASSAY__V1__DKIM__RESULT__TEMPERROR] = ASSAY_TEMPERROR,
		[ASSAY__V1__DKIM__RESULT__PERMERROR] = ASSAY_PERMERROR,
	};
	struct assay_dkim *dkim = ANSWER_NEW(memory, struct assay_dkim);

	if (!dkim)
		return NULL;
	*dkim = (struct assay_dkim){
		.result = result_of(results, COUNT_OF(results), (int)wire->result),
		.domain = answer_text(wire->domain),
		.selector = answer_text(wire->selector),
		.identity = answer_text(wire->identity),
		.algorithm = answer_text(wire->algorithm),
		.signature_start = answer_text(wire->signature_start),
		.key_bits = wire->key_bits,
		.testing = wire->testing != 0,
		.body_partly_unsigned = wire->body_partly_unsigned != 0,
		.reason = answer_reason(wire->reason),
		.signed_at = wire->signed_at,
		.seen_times = wire->seen_times,
		.seen_clients = wire->seen_clients,
	};
	return dkim;
}

static const struct assay_dkim *const *dkim_list_of(struct answer_memory *memory, const Assay__V1__Verdict *wire)
{
	const struct assay_dkim **list = ANSWER_NEW_ARRAY(memory, wire->n_dkim, const struct assay_dkim *);

	for (size_t i = 0; list && i < wire->n_dkim; i++)
		list[i] = dkim_of(memory, wire->dkim[i]);
	return list;
}

static const struct assay_arc_method *method_of(struct answer_memory *memory, const Assay__V1__Arc__Method *wire)
{
	struct assay_arc_method *method = ANSWER_NEW(memory, struct assay_arc_method);
	struct assay_arc_property *properties = ANSWER_NEW_ARRAY(memory, wire->n_properties, struct assay_arc_property);
	const struct assay_arc_property **list =
		ANSWER_NEW_ARRAY(memory, wire->n_properties, const struct assay_arc_property *);

	if (!method || !properties || !list)
		return NULL;
	for (size_t i = 0; i < wire->n_properties; i++) {
		properties[i].name = answer_text(wire->properties[i]->name);
		properties[i].value = answer_text(wire->properties[i]->value);
		list[i] = &properties[i];
	}
	*method = (struct assay_arc_method){
		.method = answer_text(wire->method),
		.result = answer_text(wire->result),
		.properties = list,
		.property_count = wire->n_properties,
	};
	return method;
}

/* What is absent on the wire was not looked at. */
static const struct assay_dkim *arc_signature_of(struct answer_memory *memory, const Assay__V1__Dkim *wire)
{
	static const Assay__V1__Dkim absent;

	return dkim_of(memory, wire ? wire : &absent);
}

static const struct assay_arc_set *set_of(struct answer_memory *memory, const Assay__V1__Arc__Set *wire)
{
	struct assay_arc_set *set = ANSWER_NEW(memory, struct assay_arc_set);
	const struct assay_arc_method **methods =
		ANSWER_NEW_ARRAY(memory, wire->n_methods, const struct assay_arc_method *);

	if (!set || !methods)
		return NULL;
	for (size_t i = 0; i < wire->n_methods; i++)
		methods[i] = method_of(memory, wire->methods[i]);
	*set = (struct assay_arc_set){
		.instance = wire->instance,
		.cv = answer_text(wire->cv),
		.seal = arc_signature_of(memory, wire->seal),
		.message_signature = arc_signature_of(memory, wire->message_signature),
		.authserv_id = answer_text(wire->authserv_id),
		.methods = methods,
		.method_count = wire->n_methods,
		.believable = wire->believable != 0,
	};
	return set;
}

static const struct assay_arc_set *const *sets_of(struct answer_memory *memory, const Assay__V1__Arc *wire)
{
	const struct assay_arc_set **list = ANSWER_NEW_ARRAY(memory, wire->n_sets, const struct assay_arc_set *);

	for (size_t i = 0; list && i < wire->n_sets; i++)
		list[i] = set_of(memory, wire->sets[i]);
	return list;
}

enum assay_result answer_arc_result(int wire)
{
	static const enum assay_result results[] = {
		[ASSAY__V1__ARC__RESULT__NONE] = ASSAY_NONE,
		[ASSAY__V1__ARC__RESULT__PASS] = ASSAY_PASS,
		[ASSAY__V1__ARC__RESULT__FAIL] = ASSAY_FAIL,
	};

	return result_of(results, COUNT_OF(results), wire);
}

static const struct assay_arc *arc_of(struct answer_memory *memory, const Assay__V1__Arc *wire)
{
	struct assay_arc *arc = wire ? ANSWER_NEW(memory, struct assay_arc) : NULL;

	if (!arc)
		return NULL;
	*arc = (struct assay_arc){
		.result = answer_arc_result((int)wire->result),
		.instance = wire->instance,
		.evaluated = wire->evaluated != 0,
		.reason = answer_reason(wire->reason),
		.sets = sets_of(memory, wire),
		.set_count = wire->n_sets,
		.has_oldest_pass = wire->has_oldest_pass != 0,
		.oldest_pass = wire->oldest_pass,
	};
	return arc;
}

static const enum assay_result dmarc_results[] = {
	[ASSAY__V1__DMARC__RESULT__NONE] = ASSAY_NONE,
	[ASSAY__V1__DMARC__RESULT__PASS] = ASSAY_PASS,
	[ASSAY__V1__DMARC__RESULT__FAIL] = ASSAY_FAIL,
	[ASSAY__V1__DMARC__RESULT__TEMPERROR] = ASSAY_TEMPERROR,
	[ASSAY__V1__DMARC__RESULT__PERMERROR] = ASSAY_PERMERROR,
};

static const struct assay_dmarc_shadow *shadow_of(struct answer_memory *memory, const Assay__V1__Dmarc__Shadow *wire)
{
	struct assay_dmarc_shadow *shadow = wire ? ANSWER_NEW(memory, struct assay_dmarc_shadow) : NULL;

	if (!shadow)
		return NULL;
	*shadow = (struct assay_dmarc_shadow){
		.result = result_of(dmarc_results, COUNT_OF(dmarc_results), (int)wire->result),
		.organizational_domain = answer_text(wire->organizational_domain),
		.policy_domain = answer_text(wire->policy_domain),
		.has_policy = wire->has_policy != 0,
		.policy = (enum assay_policy)wire->policy, /* the same numbers */
		.pct = wire->pct,
		.disposition = (enum assay_policy)wire->disposition,
		.disposition_unsampled = (enum assay_policy)wire->disposition_unsampled,
		.differs = wire->differs != 0,
	};
	return shadow;
}

static const struct assay_dmarc_override *override_of(struct answer_memory *memory,
						      const Assay__V1__Dmarc__Override *wire)
{
	struct assay_dmarc_override *override = wire ? ANSWER_NEW(memory, struct assay_dmarc_override) : NULL;

	if (!override)
		return NULL;
	*override = (struct assay_dmarc_override){
		.type = answer_string(wire->type),
		.comment = answer_string(wire->comment),
		.disposition = (enum assay_policy)wire->disposition, /* the same numbers */
		.arc_instance = wire->arc_instance,
	};
	return override;
}

static const struct assay_unicode *unicode_of(struct answer_memory *memory, const Assay__V1__Dmarc__Unicode *wire)
{
	struct assay_unicode *unicode = wire ? ANSWER_NEW(memory, struct assay_unicode) : NULL;

	if (!unicode)
		return NULL;
	*unicode = (struct assay_unicode){
		.name = answer_string(wire->name),
		.mixes_scripts = wire->mixes_scripts != 0,
	};
	return unicode;
}

static const struct assay_dmarc *dmarc_of(struct answer_memory *memory, const Assay__V1__Dmarc *wire)
{
	struct assay_dmarc *dmarc = wire ? ANSWER_NEW(memory, struct assay_dmarc) : NULL;

	if (!dmarc)
		return NULL;
	*dmarc = (struct assay_dmarc){
		.result = result_of(dmarc_results, COUNT_OF(dmarc_results), (int)wire->result),
		.from_domain = answer_text(wire->from_domain),
		.policy_domain = answer_text(wire->policy_domain),
		.organizational_domain = answer_text(wire->organizational_domain),
		.has_policy = wire->has_policy != 0,
		.policy = (enum assay_policy)wire->policy, /* the same numbers */
		.disposition = (enum assay_policy)wire->disposition,
		.spf_aligned = wire->spf_aligned != 0,
		.dkim_aligned = wire->dkim_aligned != 0,
		.testing = wire->testing != 0,
		.record = answer_text(wire->record),
		.reason = answer_reason(wire->reason),
		.shadow = shadow_of(memory, wire->shadow),
		.override = override_of(memory, wire->override),
		.from_domain_unicode = unicode_of(memory, wire->from_domain_unicode),
	};
	return dmarc;
}

static uint32_t flags_of(const Assay__V1__Flags *wire)
{
	if (!wire)
		return 0;
	return (wire->bare_cr ? ASSAY_FLAG_BARE_CR : 0) | (wire->bare_lf ? ASSAY_FLAG_BARE_LF : 0) |
	       (wire->nul_in_header ? ASSAY_FLAG_NUL_IN_HEADER : 0) |
	       (wire->malformed_header ? ASSAY_FLAG_MALFORMED_HEADER : 0) |
	       (wire->malformed_from ? ASSAY_FLAG_MALFORMED_FROM : 0) |
	       (wire->header_over_bounds ? ASSAY_FLAG_HEADER_OVER_BOUNDS : 0);
}

static const struct assay_deletion *const *deletions_of(struct answer_memory *memory, const Assay__V1__Verdict *wire)
{
	const struct assay_deletion **list =
		ANSWER_NEW_ARRAY(memory, wire->n_delete_fields, const struct assay_deletion *);
	struct assay_deletion *deletions = ANSWER_NEW_ARRAY(memory, wire->n_delete_fields, struct assay_deletion);

	for (size_t i = 0; list && deletions && i < wire->n_delete_fields; i++) {
		deletions[i].name = answer_string(wire->delete_fields[i]->name);
		deletions[i].index = wire->delete_fields[i]->index;
		list[i] = &deletions[i];
	}
	return list;
}

const struct assay_verdict *answer_verdict(struct answer_memory *memory, const Assay__V1__Verdict *wire)
{
	struct assay_verdict *verdict = ANSWER_NEW(memory, struct assay_verdict);

	if (!verdict)
		return NULL;
	*verdict = (struct assay_verdict){
		.authentication_results = answer_text(wire->authentication_results),
		.spf = spf_of(memory, wire->spf),
		.spf_helo = spf_of(memory, wire->spf_helo),
		.dkim = dkim_list_of(memory, wire),
		.dkim_count = wire->n_dkim,
		.dkim_ignored = wire->dkim_ignored,
		.arc = arc_of(memory, wire->arc),
		.dmarc = dmarc_of(memory, wire->dmarc),
		.flags = flags_of(wire->flags),
		.delete_fields = deletions_of(memory, wire),
		.delete_count = wire->n_delete_fields,
		.duplicate_fields = wire->flags ? answer_strings(wire->flags->duplicate_fields) : NULL,
		.duplicate_count = wire->flags ? wire->flags->n_duplicate_fields : 0,
		.dkim_ignored_reason = answer_reason(wire->dkim_ignored_reason),
		.received_spf = answer_text(wire->received_spf),
	};
	return verdict;
}
