#include "proto/tlspolicy/postfix.h"

#include "base/text.h"

/*
 * The level is one for all MX hosts. "dane-only" where every host has usable records; also where something could not be
 * found out: then Postfix looks itself, and defers if it cannot either. "dane" where some hosts have records: it falls back
 * where there are none, and encrypts where they are unusable. NULL: DANE says nothing.
 */
static const char *dane_level(const struct dane_domain *dane)
{
	size_t only = dane->hosts_ignored ? 0 : dane->hosts_count, firm = 0, some = 0;

	for (size_t i = 0; i < dane->hosts_count; i++) {
		enum dane_delivery delivery = dane->hosts[i].delivery;

		firm += delivery == DANE_DELIVERY_DANE || delivery == DANE_DELIVERY_DEFER;
		some += delivery == DANE_DELIVERY_DANE || delivery == DANE_DELIVERY_DEFER ||
		        delivery == DANE_DELIVERY_TLS_REQUIRED;
		only -= only && delivery == DANE_DELIVERY_NONE;
	}
	return some == 0 ? NULL : firm == only ? "dane-only" : "dane";
}

/* "*.example.org" is ".example.org": Postfix has no closer form. */
static void match_write(struct text *text, const struct mta_sts_policy *policy)
{
	text_str(text, "secure match=");
	for (size_t i = 0; i < policy->mx_count; i++) {
		struct slice mx = policy->mx[i];

		if (i)
			text_octet(text, ':');
		text_add(text, slice_starts_with(mx, SLICE("*.")) ? slice_from(mx, 1) : mx);
	}
	text_str(text, " servername=hostname");
}

static bool is_plain(struct slice line)
{
	for (size_t i = 0; i < line.len; i++)
		if (line.ptr[i] < 0x20 || line.ptr[i] > 0x7e || line.ptr[i] == '{' || line.ptr[i] == '}')
			return false;
	return line.len > 0;
}

static void attributes_write(struct text *text, struct slice domain, const struct mta_sts *mta_sts)
{
	struct slice rest = mta_sts->text, line;

	text_str(text, " policy_type=sts policy_domain=");
	text_add(text, domain);
	for (size_t i = 0; i < mta_sts->policy.mx_count; i++) {
		text_str(text, " mx_host_pattern=");
		text_add(text, mta_sts->policy.mx[i]);
	}
	while (mta_sts_policy_line(&rest, &line)) {
		if (!is_plain(line))
			continue;
		text_str(text, " { policy_string = ");
		text_add(text, line);
		text_str(text, " }");
	}
}

int postfix_policy(struct tlspolicy *policy, struct arena *arena)
{
	const struct mta_sts *mta_sts = &policy->mta_sts;
	const char *level = dane_level(&policy->dane);
	struct text text;

	/* RFC 8461 section 2: MTA-STS must not let through what DANE would not. */
	policy->postfix = policy->postfix_tlsrpt = slice_of_str(level ? level : "");
	if (level || mta_sts->result != MTA_STS_RESULT_POLICY || mta_sts->policy.mode != MTA_STS_ENFORCE)
		return 0;
	text_init(&text, arena);
	match_write(&text, &mta_sts->policy);
	TRY(text_finish(&text, &policy->postfix));
	text_init(&text, arena);
	text_add(&text, policy->postfix);
	attributes_write(&text, policy->domain, mta_sts);
	return text_finish(&text, &policy->postfix_tlsrpt);
}
