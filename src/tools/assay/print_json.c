#include <stdbool.h>
#include <string.h>

#include "tools/assay/json.h"
#include "tools/assay/print.h"

static void add_reason(json_t *object, struct assay_reason reason)
{
	json_add_string(object, "reason", reason.text);
	json_add_string(object, "fix", reason.fix);
	json_add_string(object, "code", reason.code);
}

static json_t *spf_object(const struct assay_spf *spf)
{
	json_t *object;

	if (!spf)
		return json_null();
	object = json_object();
	json_add_string(object, "result", assay_result_word(spf->result));
	json_add(object, "domain", json_text(spf->domain));
	json_add_string(object, "scope", spf->scope == ASSAY_SPF_HELO ? "helo" : "mailfrom");
	json_add(object, "explanation", spf->explanation ? json_string(spf->explanation) : json_null());
	add_reason(object, spf->reason);
	json_add(object, "mechanism", json_text_or_null(spf->mechanism));
	json_add(object, "mechanism_domain", json_text_or_null(spf->mechanism_domain));
	json_add(object, "network_prefix", spf->has_network_prefix ? json_integer(spf->network_prefix) : json_null());
	return object;
}

static json_t *dkim_object(const struct assay_dkim *dkim)
{
	json_t *object = json_object();

	json_add_string(object, "result", assay_result_word(dkim->result));
	json_add(object, "domain", json_text(dkim->domain));
	json_add(object, "selector", json_text(dkim->selector));
	json_add(object, "identity", json_text(dkim->identity));
	json_add(object, "algorithm", json_text(dkim->algorithm));
	json_add(object, "key_bits", json_integer(dkim->key_bits));
	json_add(object, "testing", json_boolean(dkim->testing));
	add_reason(object, dkim->reason);
	json_add(object, "signature_start", json_text(dkim->signature_start));
	json_add(object, "body_partly_unsigned", json_boolean(dkim->body_partly_unsigned));
	json_add(object, "signed_at", dkim->signed_at ? json_integer(dkim->signed_at) : json_null());
	json_add(object, "seen_times", json_integer(dkim->seen_times));
	json_add(object, "seen_clients", json_integer(dkim->seen_clients));
	return object;
}

static json_t *dkim_array(const struct assay_verdict *verdict)
{
	json_t *array = json_array();

	for (size_t i = 0; i < verdict->dkim_count; i++)
		json_array_append_new(array, dkim_object(verdict->dkim[i]));
	return array;
}

static json_t *ignored_reason(const struct assay_verdict *verdict)
{
	json_t *object;

	if (!verdict->dkim_ignored)
		return json_null();
	object = json_object();
	add_reason(object, verdict->dkim_ignored_reason);
	return object;
}

static json_t *arc_method_object(const struct assay_arc_method *method)
{
	json_t *object = json_object(), *properties = json_array();

	json_add(object, "method", json_text(method->method));
	json_add(object, "result", json_text(method->result));
	for (size_t i = 0; i < method->property_count; i++) {
		json_t *property = json_object();

		json_add(property, "name", json_text(method->properties[i]->name));
		json_add(property, "value", json_text(method->properties[i]->value));
		json_array_append_new(properties, property);
	}
	json_add(object, "properties", properties);
	return object;
}

/* As of DKIM, but without what only DKIM has; a result of null: not looked at. */
static json_t *arc_signature_object(const struct assay_dkim *signature)
{
	bool looked_at = signature->result != ASSAY_UNKNOWN;
	json_t *object = json_object();

	json_add(object, "result", looked_at ? json_string(assay_result_word(signature->result)) : json_null());
	json_add(object, "domain", json_text(signature->domain));
	json_add(object, "selector", json_text(signature->selector));
	json_add(object, "algorithm", json_text(signature->algorithm));
	json_add(object, "key_bits", json_integer(signature->key_bits));
	json_add(object, "testing", json_boolean(signature->testing));
	add_reason(object, signature->reason);
	return object;
}

static json_t *arc_set_object(const struct assay_arc_set *set)
{
	json_t *object = json_object(), *methods = json_array();

	json_add(object, "instance", json_integer(set->instance));
	json_add(object, "cv", json_text(set->cv));
	json_add(object, "seal", arc_signature_object(set->seal));
	json_add(object, "message_signature", arc_signature_object(set->message_signature));
	json_add(object, "authserv_id", json_text_or_null(set->authserv_id));
	for (size_t i = 0; i < set->method_count; i++)
		json_array_append_new(methods, arc_method_object(set->methods[i]));
	json_add(object, "methods", methods);
	json_add(object, "believable", json_boolean(set->believable));
	return object;
}

static json_t *arc_sets(const struct assay_arc *arc)
{
	json_t *array = json_array();

	for (size_t i = 0; i < arc->set_count; i++)
		json_array_append_new(array, arc_set_object(arc->sets[i]));
	return array;
}

static json_t *arc_object(const struct assay_arc *arc)
{
	json_t *object;

	if (!arc)
		return json_null();
	object = json_object();
	json_add_string(object, "result", assay_result_word(arc->result));
	json_add(object, "instance", json_integer(arc->instance));
	add_reason(object, arc->reason);
	json_add(object, "evaluated", json_boolean(arc->evaluated));
	json_add(object, "oldest_pass", arc->has_oldest_pass ? json_integer(arc->oldest_pass) : json_null());
	json_add(object, "sets", arc_sets(arc));
	return object;
}

static json_t *shadow_object(const struct assay_dmarc_shadow *shadow)
{
	json_t *object;

	if (!shadow)
		return json_null();
	object = json_object();
	json_add_string(object, "result", assay_result_word(shadow->result));
	json_add(object, "organizational_domain", json_text_or_null(shadow->organizational_domain));
	json_add(object, "policy_domain", json_text_or_null(shadow->policy_domain));
	json_add(object, "policy", shadow->has_policy ? json_string(assay_policy_word(shadow->policy)) : json_null());
	json_add(object, "pct", shadow->has_policy ? json_integer(shadow->pct) : json_null());
	json_add_string(object, "disposition", assay_policy_word(shadow->disposition));
	json_add_string(object, "disposition_unsampled", assay_policy_word(shadow->disposition_unsampled));
	json_add(object, "differs", json_boolean(shadow->differs));
	return object;
}

static json_t *override_object(const struct assay_dmarc_override *override)
{
	json_t *object;

	if (!override)
		return json_null();
	object = json_object();
	json_add_string(object, "type", override->type);
	json_add_string(object, "comment", override->comment);
	json_add_string(object, "disposition", assay_policy_word(override->disposition));
	json_add(object, "arc_instance", json_integer(override->arc_instance));
	return object;
}

static json_t *unicode_object(const struct assay_unicode *unicode)
{
	json_t *object;

	if (!unicode)
		return json_null();
	object = json_object();
	json_add(object, "name", json_text_or_null((struct assay_text){ unicode->name, strlen(unicode->name) }));
	json_add(object, "mixes_scripts", json_boolean(unicode->mixes_scripts));
	return object;
}

static json_t *dmarc_object(const struct assay_dmarc *dmarc)
{
	json_t *object;

	if (!dmarc)
		return json_null();
	object = json_object();
	json_add_string(object, "result", assay_result_word(dmarc->result));
	json_add(object, "from_domain", json_text_or_null(dmarc->from_domain));
	json_add(object, "policy_domain", json_text_or_null(dmarc->policy_domain));
	json_add(object, "organizational_domain", json_text_or_null(dmarc->organizational_domain));
	json_add(object, "policy", dmarc->has_policy ? json_string(assay_policy_word(dmarc->policy)) : json_null());
	json_add_string(object, "disposition", assay_policy_word(dmarc->disposition));
	json_add(object, "spf_aligned", json_boolean(dmarc->spf_aligned));
	json_add(object, "dkim_aligned", json_boolean(dmarc->dkim_aligned));
	json_add(object, "testing", json_boolean(dmarc->testing));
	add_reason(object, dmarc->reason);
	json_add(object, "record", json_text_or_null(dmarc->record));
	json_add(object, "shadow", shadow_object(dmarc->shadow));
	json_add(object, "override", override_object(dmarc->override));
	json_add(object, "from_domain_unicode", unicode_object(dmarc->from_domain_unicode));
	return object;
}

static json_t *flags_object(const struct assay_verdict *verdict)
{
	json_t *object = json_object();
	uint32_t flags = verdict->flags;

	json_add(object, "bare_cr", json_boolean(flags & ASSAY_FLAG_BARE_CR));
	json_add(object, "bare_lf", json_boolean(flags & ASSAY_FLAG_BARE_LF));
	json_add(object, "nul_in_header", json_boolean(flags & ASSAY_FLAG_NUL_IN_HEADER));
	json_add(object, "malformed_header", json_boolean(flags & ASSAY_FLAG_MALFORMED_HEADER));
	json_add(object, "malformed_from", json_boolean(flags & ASSAY_FLAG_MALFORMED_FROM));
	json_add(object, "header_over_bounds", json_boolean(flags & ASSAY_FLAG_HEADER_OVER_BOUNDS));
	json_add(object, "duplicate_fields", json_strings(verdict->duplicate_fields, verdict->duplicate_count));
	return object;
}

static json_t *deletions_array(const struct assay_verdict *verdict)
{
	json_t *array = json_array();

	for (size_t i = 0; i < verdict->delete_count; i++) {
		json_t *object = json_object();

		json_add_string(object, "name", verdict->delete_fields[i]->name);
		json_add(object, "index", json_integer(verdict->delete_fields[i]->index));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *received_spf(const struct assay_verdict *verdict)
{
	return verdict->received_spf.count ? json_unfolded(verdict->received_spf) : json_null();
}

void print_json_verdict(FILE *out, const struct assay_verdict *verdict, const char *path)
{
	json_t *object = json_object();

	json_add(object, "authentication_results", json_unfolded(verdict->authentication_results));
	json_add(object, "spf", spf_object(verdict->spf));
	json_add(object, "dkim", dkim_array(verdict));
	json_add(object, "arc", arc_object(verdict->arc));
	json_add(object, "dmarc", dmarc_object(verdict->dmarc));
	json_add(object, "spf_helo", spf_object(verdict->spf_helo));
	json_add(object, "dkim_ignored", json_integer(verdict->dkim_ignored));
	json_add(object, "dkim_ignored_reason", ignored_reason(verdict));
	json_add(object, "flags", flags_object(verdict));
	json_add(object, "delete_fields", deletions_array(verdict));
	json_add(object, "received_spf", received_spf(verdict));
	json_add_string(object, "file", path);
	json_print(out, object);
}

void print_json_sender_verdict(FILE *out, const struct assay_verdict *verdict)
{
	json_t *object = json_object();

	json_add(object, "authentication_results", json_unfolded(verdict->authentication_results));
	json_add(object, "spf", spf_object(verdict->spf));
	json_add(object, "spf_helo", spf_object(verdict->spf_helo));
	json_add(object, "received_spf", received_spf(verdict));
	json_print(out, object);
}

void print_json_status(FILE *out, const struct assay_status *status)
{
	json_t *object = json_object(), *counters = json_object();

	for (size_t i = 0; i < status->counter_count; i++)
		json_add(counters, status->counters[i].name, json_integer((json_int_t)status->counters[i].value));
	json_add_string(object, "version", status->version);
	json_add(object, "shards", json_integer(status->shards));
	json_add(object, "uptime_ms", json_integer((json_int_t)status->uptime_ms));
	json_add(object, "draining", json_boolean(status->draining));
	json_add(object, "listeners", json_strings(status->listeners, status->listener_count));
	json_add(object, "counters", counters);
	json_print(out, object);
}

static json_t *string_or_null(const char *string)
{
	return json_text_or_null((struct assay_text){ string, strlen(string) });
}

static json_t *mta_sts_object(const struct assay_tls_policy *policy)
{
	json_t *object = json_object();

	json_add_string(object, "result", assay_tls_result_word(policy->mta_sts));
	json_add(object, "id", string_or_null(policy->mta_sts_id));
	json_add(object, "mode", string_or_null(policy->mta_sts_mode));
	json_add(object, "mx", json_strings(policy->mta_sts_mx, policy->mta_sts_mx_count));
	json_add(object, "max_age", json_integer((json_int_t)policy->mta_sts_max_age));
	add_reason(object, policy->mta_sts_reason);
	return object;
}

static json_t *dane_object(const struct assay_tls_policy *policy)
{
	json_t *object = json_object(), *names = json_array();

	for (size_t i = 0; i < policy->dane_reference_name_count; i++)
		json_array_append_new(names, json_text(policy->dane_reference_names[i]));
	json_add_string(object, "result", assay_tls_result_word(policy->dane));
	json_add(object, "tlsa", json_strings(policy->dane_tlsa, policy->dane_tlsa_count));
	json_add_string(object, "delivery", assay_dane_delivery_word(policy->dane_delivery));
	json_add(object, "mx_host", json_text_or_null(policy->dane_mx_host));
	json_add(object, "tlsa_base", json_text_or_null(policy->dane_tlsa_base));
	json_add(object, "reference_names", names);
	add_reason(object, policy->dane_reason);
	return object;
}

static json_t *tlsrpt_object(const struct assay_tls_policy *policy)
{
	json_t *object = json_object();

	json_add_string(object, "result", assay_tls_result_word(policy->tlsrpt));
	json_add(object, "rua", json_strings(policy->tlsrpt_rua, policy->tlsrpt_rua_count));
	add_reason(object, policy->tlsrpt_reason);
	return object;
}

void print_json_tls_policy(FILE *out, const struct assay_tls_policy *policy)
{
	json_t *object = json_object();

	json_add(object, "domain", json_text(policy->domain));
	json_add(object, "mta_sts", mta_sts_object(policy));
	json_add(object, "dane", dane_object(policy));
	if (policy->has_mx_match)
		json_add(object, "mx_match", json_boolean(policy->mx_match));
	json_add(object, "tlsrpt", tlsrpt_object(policy));
	json_add_string(object, "postfix", policy->postfix);
	json_add_string(object, "postfix_tlsrpt", policy->postfix_tlsrpt);
	if (policy->purged)
		json_add(object, "purged", json_true());
	json_print(out, object);
}
