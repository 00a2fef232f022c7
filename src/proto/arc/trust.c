#include "proto/arc/trust.h"

#include "proto/mail/domain.h"

static bool is_listed(const struct arc_config *config, struct slice domain)
{
	for (size_t i = 0; domain.len > 0 && i < config->trusted_sealers_count; i++) {
		struct slice sealer = config->trusted_sealers[i];

		if (sealer.ptr[0] == '.' ? domain_is_below(domain, slice_from(sealer, 1)) : domain_equal(domain, sealer))
			return true;
	}
	return false;
}

static bool is_trusted(const struct arc_trust *trust, unsigned instance)
{
	return is_listed(trust->config, trust->sets[instance - 1].seal.as.domain_canonical);
}

struct arc_trust arc_trust_begin(const struct arc_config *config, const struct arc_chain *chain, struct arc_set *sets)
{
	return (struct arc_trust){
		.config = config,
		.chain = chain,
		.sets = sets,
		.path = chain->sets[chain->count - 1].from_signed,
	};
}

bool arc_trust_wants_signature(const struct arc_trust *trust, unsigned instance)
{
	return !trust->path && trust->chain->sets[instance - 1].from_signed && is_trusted(trust, instance);
}

void arc_trust_step(struct arc_trust *trust, unsigned instance, bool message_signature_passed)
{
	bool unchanged = message_signature_passed && trust->chain->sets[instance - 1].from_signed;
	bool trusted = is_trusted(trust, instance);

	trust->sets[instance - 1].believable = trusted && (trust->path || unchanged);
	trust->path = trust->path && trusted;
}

static bool names_author(const struct arc_method *method, struct slice author_domain)
{
	for (size_t i = 0; i < method->properties_count; i++) {
		const struct arc_property *p = &method->properties[i];

		if (slice_equal_nocase(p->ptype, SLICE("header")) && slice_equal_nocase(p->property, SLICE("from")))
			return domain_equal(p->value, author_domain);
	}
	return false;
}

unsigned arc_witness(const struct arc_result *result, struct slice author_domain)
{
	if (result->result != ARC_PASS || author_domain.len == 0)
		return 0;
	for (size_t instance = result->sets_count; instance > 0; instance--) {
		const struct arc_set *set = &result->sets[instance - 1];

		for (size_t i = 0; set->believable && i < set->methods_count; i++) {
			const struct arc_method *method = &set->methods[i];

			if (!slice_equal_nocase(method->method, SLICE("dmarc")) || !names_author(method, author_domain))
				continue;
			if (slice_equal_nocase(method->result, SLICE("pass")))
				return (unsigned)instance;
			break; /* one word a hop: the first about this author */
		}
	}
	return 0;
}
