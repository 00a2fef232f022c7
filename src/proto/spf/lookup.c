#include "proto/spf/limits.h"
#include "proto/spf/run.h"

#include <string.h>

const struct dns_answer *spf_ask(struct spf_run *run, struct slice name, enum dns_type type)
{
	return spf_ask_as(run, name, type, NULL);
}

const struct dns_answer *spf_ask_as(struct spf_run *run, struct slice name, enum dns_type type,
				    const struct dns_form *form)
{
	const struct dns_answer *answer;

	ASSERT(name.len > 0 && name.len <= DNS_NAME_OCTETS_MAX); /* and askable, which costs too much to ask twice */
	/* An answer held back here changes nothing: with a question pending the pass is void already. */
	if (run->pending >= SPF_PENDING_MAX)
		return NULL;
	answer = ask_dns(run->ask, name, type, form);
	run->pending += !answer;
	return answer;
}

const struct dns_answer *spf_ask_optional(struct spf_run *run, struct slice name, enum dns_type type)
{
	const struct dns_answer *answer;

	ASSERT(spf_name_is_askable(name));
	if (run->pending >= SPF_PENDING_MAX)
		return NULL;
	answer = ask_dns_optional(run->ask, name, type);
	run->pending += !answer;
	return answer;
}

static const char *type_text(enum dns_type type)
{
	switch (type) {
	case DNS_A: return "A";
	case DNS_AAAA: return "AAAA";
	case DNS_MX: return "MX";
	case DNS_PTR: return "PTR";
	case DNS_TXT: return "TXT";
	default: return "other";
	}
}

static int exception(struct spf_run *run, enum spf_word word, struct reason reason)
{
	run->exception = word;
	run->exception_reason = reason;
	return SPF_STEP_EXCEPTION;
}

int spf_permerror(struct spf_run *run, struct reason reason)
{
	return exception(run, SPF_PERMERROR, reason);
}

int spf_dns_exception(struct spf_run *run, struct slice name, enum dns_type type, const struct dns_answer *answer,
		      struct slice needed_for)
{
	struct text text;
	struct slice question;

	text_init(&text, run->arena);
	text_str(&text, dns_outcome_text(answer->outcome));
	text_str(&text, " for ");
	text_str(&text, type_text(type));
	text_str(&text, " of ");
	text_add(&text, name);
	TRY(text_finish(&text, &question));
	return exception(run, SPF_TEMPERROR, reason_of_2(REASON_SPF_DNS, question, needed_for));
}

int spf_limit_exception(struct spf_run *run, enum reason_id id, unsigned limit, const struct spf_host *host,
			const struct spf_term *term)
{
	struct text number, where;
	struct reason reason = reason_of(id);

	text_init(&number, run->arena);
	text_u64(&number, limit);
	TRY(text_finish(&number, &reason.detail[0]));
	text_init(&where, run->arena);
	text_add(&where, term->text);
	text_str(&where, " in the record of ");
	text_add(&where, host->domain);
	TRY(text_finish(&where, &reason.detail[1]));
	return spf_permerror(run, reason);
}

int spf_count_lookup(struct spf_run *run, const struct spf_host *host, const struct spf_term *term)
{
	if (run->lookups++ < run->config->lookups_max)
		return SPF_STEP_NO_MATCH;
	return spf_limit_exception(run, REASON_SPF_LOOKUPS, run->config->lookups_max, host, term);
}

int spf_count_void(struct spf_run *run, const struct spf_host *host, const struct spf_term *term)
{
	if (run->void_lookups++ < run->config->void_lookups_max)
		return SPF_STEP_NO_MATCH;
	return spf_limit_exception(run, REASON_SPF_VOID_LOOKUPS, run->config->void_lookups_max, host, term);
}

enum dns_type spf_address_type(const struct spf_run *run)
{
	return run->values.client.is_v6 ? DNS_AAAA : DNS_A;
}

bool spf_answer_has_client(const struct spf_run *run, const struct dns_answer *answer, const struct spf_term *term)
{
	struct ip_address address = { .is_v6 = run->values.client.is_v6 };
	size_t size = address.is_v6 ? 16 : 4;
	unsigned bits = address.is_v6 ? 128 : 32;

	if (term)
		bits = address.is_v6 ? term->prefix_v6 : term->prefix_v4;
	for (size_t i = 0; i < answer->count; i++) {
		if (answer->records[i].data.len != size)
			continue;
		memcpy(address.octets, answer->records[i].data.ptr, size);
		if (ip_in_prefix(&run->values.client, &address, bits))
			return true;
	}
	return false;
}
