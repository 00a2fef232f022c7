#include "proto/tlspolicy/tlspolicy.h"

#include "base/text.h"
#include "proto/tlspolicy/addresses.h"
#include "proto/tlspolicy/discovery.h"

static struct reason reason_of_answer(enum reason_id id, struct slice domain, const struct dns_answer *answer)
{
	return reason_of_2(id, domain, slice_of_str(dns_outcome_text(answer->outcome)));
}

static void settle(struct mta_sts *out, enum mta_sts_result result, struct reason reason)
{
	out->result = result;
	out->reason = reason;
}

/* What is kept has proved to be a policy when it was fetched. */
static int take_policy(const struct policy_answer *answer, struct arena *arena, struct reason reason, struct mta_sts *out)
{
	const char *problem;
	int result = mta_sts_policy_parse(answer->text, arena, &out->policy, &problem);

	if (result < 0)
		return result;
	out->id = answer->id;
	out->text = answer->text;
	if (result)
		settle(out, MTA_STS_RESULT_INVALID, reason_of_2(REASON_MTA_STS_POLICY_INVALID, reason.detail[0], slice_of_str(problem)));
	else
		settle(out, MTA_STS_RESULT_POLICY, reason);
	return 0;
}

/* --- the policy host --- */

struct policy_host {
	struct ip_address addresses[MTA_STS_ADDRESSES_MAX];
	size_t count;
	struct ip_address refused;
	bool has_refused;
};

static void addresses_take(const struct dns_answer *answer, bool is_v6, bool allow_private, struct policy_host *host)
{
	for (size_t i = 0; i < answer->count && host->count < MTA_STS_ADDRESSES_MAX; i++) {
		struct ip_address ip = { .is_v6 = is_v6 };

		memcpy(ip.octets, answer->records[i].data.ptr, is_v6 ? 16 : 4);
		if (allow_private || address_is_public(&ip)) {
			host->addresses[host->count++] = ip;
		} else {
			host->refused = ip;
			host->has_refused = true;
		}
	}
}

/* 0, with no addresses for the reason in *why_out; ASK_BLOCKED; -ENOMEM. */
static int host_find(struct slice domain, const struct tlspolicy_config *config, const struct ask *ask,
                     struct arena *arena, struct policy_host *host, struct reason *why_out)
{
	const struct dns_answer *a, *aaaa;
	struct slice name, refused;
	struct text text;
	char ip[IP_TEXT_SIZE];

	text_init(&text, arena);
	text_str(&text, "mta-sts.");
	text_add(&text, domain);
	TRY(text_finish(&text, &name));
	a = ask_dns(ask, name, DNS_A, NULL);
	aaaa = ask_dns(ask, name, DNS_AAAA, NULL);
	if (!a || !aaaa)
		return ASK_BLOCKED;
	host->count = 0;
	host->has_refused = false;
	addresses_take(aaaa, true, config->allow_private_addresses, host);
	addresses_take(a, false, config->allow_private_addresses, host);
	*why_out = reason_of_answer(REASON_MTA_STS_NO_ADDRESS, domain, dns_is_temporary_error(aaaa) ? aaaa : a);
	if (host->count || !host->has_refused)
		return 0;
	TRY(arena_copy(arena, slice_of(ip, ip_format(&host->refused, ip)), &refused));
	*why_out = reason_of_2(REASON_MTA_STS_ADDRESS_REFUSED, domain, refused);
	return 0;
}

/* --- from discovery to policy --- */

static int fetch(struct slice domain, struct slice id, bool again, const struct tlspolicy_config *config,
                 const struct ask *ask, struct arena *arena, struct mta_sts *out)
{
	const struct policy_answer *answer;
	struct policy_host host;
	struct reason why;
	int result = host_find(domain, config, ask, arena, &host, &why);

	if (result)
		return result;
	if (host.count == 0) {
		settle(out, MTA_STS_RESULT_TEMPERROR, why);
		return 0;
	}
	answer = ask_policy_fetch(ask, &(struct policy_question){ domain, id, host.addresses, host.count, again });
	if (!answer)
		return ASK_BLOCKED;
	if (answer->outcome == POLICY_FOUND)
		return take_policy(answer, arena, reason_of_2(REASON_MTA_STS_POLICY, domain, answer->id), out);
	if (answer->outcome == POLICY_INVALID)
		settle(out, MTA_STS_RESULT_INVALID, reason_of_2(REASON_MTA_STS_POLICY_INVALID, domain, answer->detail));
	else
		settle(out, MTA_STS_RESULT_TEMPERROR, reason_of_2(REASON_MTA_STS_FETCH_FAILED, domain, answer->detail));
	return 0;
}

static void no_record(struct slice domain, enum discovery discovery, const struct dns_answer *answer, struct mta_sts *out)
{
	switch (discovery) {
	case DISCOVERY_FAULT:
		settle(out, MTA_STS_RESULT_TEMPERROR, reason_of_answer(REASON_MTA_STS_RECORD_UNAVAILABLE, domain, answer));
		break;
	case DISCOVERY_SEVERAL:
		settle(out, MTA_STS_RESULT_INVALID, reason_of_1(REASON_MTA_STS_RECORDS_SEVERAL, domain));
		break;
	case DISCOVERY_ONE:
		settle(out, MTA_STS_RESULT_INVALID, reason_of_1(REASON_MTA_STS_RECORD_INVALID, domain));
		break;
	case DISCOVERY_NONE:
		settle(out, MTA_STS_RESULT_NONE,
		       answer->outcome == DNS_FOUND
			       ? reason_of_2(REASON_MTA_STS_NO_RECORD, domain, SLICE("other TXT records only"))
			       : reason_of_answer(REASON_MTA_STS_NO_RECORD, domain, answer));
		break;
	}
}

int mta_sts_evaluate(struct slice domain, bool again, const struct tlspolicy_config *config, const struct ask *ask,
                     struct arena *arena, struct mta_sts *out)
{
	const struct dns_answer *answer;
	const struct policy_answer *kept;
	enum discovery discovery;
	struct slice text = SLICE_EMPTY, id = SLICE_EMPTY;
	bool has_id;
	int result = discovery_ask("_mta-sts.", domain, SLICE("v=STSv1"), ask, arena, &discovery, &text, &answer);

	*out = (struct mta_sts){ .result = MTA_STS_RESULT_NONE };
	if (result)
		return result;
	kept = ask_policy_kept(ask, domain);
	has_id = discovery == DISCOVERY_ONE && mta_sts_record_parse(text, &id) == MTA_STS_RECORD_OK;
	if (has_id && kept->outcome == POLICY_FOUND && slice_equal(kept->id, id) && !again)
		return take_policy(kept, arena, reason_of_2(REASON_MTA_STS_POLICY, domain, kept->id), out);
	/* A policy that has not expired applies, whatever has become of its record (section 3.1). */
	if (!has_id && kept->outcome == POLICY_FOUND && !again)
		return take_policy(kept, arena, reason_of_2(REASON_MTA_STS_KEPT, domain, kept->id), out);
	if (!has_id && kept->outcome == POLICY_FOUND)
		id = kept->id;
	else if (!has_id) {
		no_record(domain, discovery, answer, out);
		return 0;
	}
	TRY(result = fetch(domain, id, again, config, ask, arena, out));
	if (result || out->result == MTA_STS_RESULT_POLICY || kept->outcome != POLICY_FOUND)
		return result;
	return take_policy(kept, arena, reason_of_2(REASON_MTA_STS_KEPT_FETCH_FAILED, domain, out->reason.detail[1]), out);
}
