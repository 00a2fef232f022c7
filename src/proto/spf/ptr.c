#include "proto/mail/domain.h"
#include "proto/spf/limits.h"
#include "proto/spf/run.h"

/* The name whose PTR records name the client, by the macros made for it. */
static int reverse_name(const struct spf_run *run, struct slice *name_out)
{
	struct spf_expansion expansion = { .place = SPF_MACRO_IN_NAME };

	spf_macro_expand(SLICE("%{ir}.%{v}.arpa"), &run->values, &expansion);
	return arena_copy(run->arena, spf_expansion_name(&expansion), name_out);
}

/*
 * Names are validated only when nothing is pending: ptr and %{p} are slow and load the servers of others, so they
 * are never asked for ahead, and what takes long is given up while there is time for other terms.
 */
static int ask_names(struct spf_run *run, const struct dns_answer **answer_out)
{
	struct slice name;

	if (run->pending)
		return SPF_STEP_BLOCKED;
	TRY(reverse_name(run, &name));
	*answer_out = spf_ask_optional(run, name, DNS_PTR);
	return *answer_out ? SPF_STEP_NO_MATCH : SPF_STEP_BLOCKED;
}

/*
 * Does the name lead back to the client? Names that cannot be asked for and those with DNS errors are skipped
 * (section 5.5).
 */
static int validate(struct spf_run *run, struct slice name)
{
	const struct dns_answer *answer;

	if (!spf_name_is_askable(name))
		return SPF_STEP_NO_MATCH;
	answer = spf_ask_optional(run, name, spf_address_type(run));
	if (!answer)
		return SPF_STEP_BLOCKED;
	return spf_answer_has_client(run, answer, NULL) ? SPF_STEP_MATCH : SPF_STEP_NO_MATCH;
}

/* The first 10 names count, whatever they are; of them only those in `ancestor` are of interest. */
static size_t names_count(const struct dns_answer *answer)
{
	return answer->count < SPF_PTR_NAMES_MAX ? answer->count : SPF_PTR_NAMES_MAX;
}

int spf_match_ptr(struct spf_run *run, const struct spf_host *host, const struct spf_term *term, struct slice target)
{
	const struct dns_answer *answer;
	int blocked = SPF_STEP_NO_MATCH, step;

	if ((step = ask_names(run, &answer)))
		return step;
	if (dns_is_void(answer))
		return spf_count_void(run, host, term);
	for (size_t i = 0; i < names_count(answer); i++) {
		if (!domain_is_equal_or_below(answer->records[i].data, target))
			continue;
		step = validate(run, answer->records[i].data);
		if (step == SPF_STEP_MATCH)
			return blocked ? blocked : step;
		if (step)
			blocked = step;
	}
	return blocked;
}

/* "If the <domain> is present in the list of validated domains, it SHOULD be used. Otherwise, if a subdomain" ... */
static unsigned preference_of(struct slice name, struct slice domain)
{
	if (domain_equal(name, domain))
		return 3;
	return domain_is_below(name, domain) ? 2 : 1;
}

int spf_find_validated(struct spf_run *run, struct slice domain)
{
	const struct dns_answer *answer;
	unsigned best = 0;
	int blocked = SPF_STEP_NO_MATCH, step;

	run->values.validated = SLICE("unknown");
	if ((step = ask_names(run, &answer)))
		return step;
	for (size_t i = 0; i < names_count(answer); i++) {
		struct slice name = answer->records[i].data;

		step = validate(run, name);
		if (step == SPF_STEP_BLOCKED)
			blocked = step;
		if (step != SPF_STEP_MATCH || preference_of(name, domain) <= best)
			continue;
		best = preference_of(name, domain);
		run->values.validated = name;
	}
	return blocked;
}
