#include "proto/spf/limits.h"
#include "proto/spf/run.h"

static bool leads_to_record(const struct spf_term *term)
{
	return term->kind == SPF_TERM_INCLUDE || term->kind == SPF_TERM_REDIRECT;
}

/*
 * Names that RFC 7208 section 4.8 leaves undefined: a host cannot be at such a name, so a mechanism does not match; a
 * record that lives there is missing.
 */
static int target_invalid(struct spf_run *run, const struct spf_host *host, const struct spf_term *term)
{
	if (!leads_to_record(term))
		return SPF_STEP_NO_MATCH;
	return spf_permerror(run, reason_of_2(REASON_SPF_TARGET_INVALID, term->text, host->domain));
}

static int expand_target(struct spf_run *run, const struct spf_host *host, const struct spf_term *term,
			 struct slice *target_out)
{
	struct spf_expansion expansion = { .place = SPF_MACRO_IN_NAME };

	run->values.domain = host->domain;
	spf_macro_expand(term->domain_spec, &run->values, &expansion);
	return arena_copy(run->arena, spf_expansion_name(&expansion), target_out);
}

int spf_target(struct spf_run *run, const struct spf_host *host, const struct spf_term *term, struct slice *target_out)
{
	int step;

	*target_out = host->domain;
	if (!term->domain_spec.len)
		return SPF_STEP_MATCH;
	/* RFC 8616 section 4: with a non-ASCII local-part "terms that include %{s} or %{l} do not match anything". */
	if (!run->local_part_is_ascii && term->letters & (SPF_MACRO_BIT('s') | SPF_MACRO_BIT('l')))
		return SPF_STEP_NO_MATCH;
	/* exp= is looked up when the verdict is there; nothing of it counts (section 4.6.4). */
	if (term->letters & SPF_MACRO_BIT('p') && term->kind != SPF_TERM_EXP &&
	    (step = spf_count_lookup(run, host, term)))
		return step;
	if (term->letters & SPF_MACRO_BIT('p') && (step = spf_find_validated(run, host->domain)))
		return step;
	TRY(expand_target(run, host, term, target_out));
	if (!spf_name_is_askable(*target_out) || (leads_to_record(term) && !spf_domain_is_checkable(*target_out)))
		return target_invalid(run, host, term);
	return SPF_STEP_MATCH;
}

/* Section 5.2 */
static int match_include(struct spf_run *run, struct spf_host *host, const struct spf_term *term, struct slice target)
{
	struct spf_host included = { .domain = target, .needed_for = term->text, .depth = host->depth + 1 };
	int step;

	if (included.depth > SPF_DEPTH_MAX)
		return spf_limit_exception(run, REASON_SPF_DEPTH, SPF_DEPTH_MAX, host, term);
	if ((step = spf_check_host(run, &included)))
		return step;
	if (included.word == SPF_NONE)
		return spf_permerror(run, reason_of_2(REASON_SPF_TARGET_NONE, term->text, host->domain));
	if (included.word != SPF_PASS)
		return SPF_STEP_NO_MATCH;
	host->decider = included.decider;
	host->decider_domain = included.decider_domain;
	return SPF_STEP_MATCH;
}

/* The addresses of a name, which may be no proper one when it comes from an MX record. */
static int match_address(struct spf_run *run, const struct spf_host *host, const struct spf_term *term,
			 struct slice name, bool is_main_question)
{
	enum dns_type type = spf_address_type(run);
	const struct dns_answer *answer;

	if (!spf_name_is_askable(name))
		return SPF_STEP_NO_MATCH;
	answer = spf_ask(run, name, type);
	if (!answer)
		return SPF_STEP_BLOCKED;
	if (dns_is_temporary_error(answer))
		return spf_dns_exception(run, name, type, answer, term->text);
	if (is_main_question && dns_is_void(answer))
		return spf_count_void(run, host, term);
	return spf_answer_has_client(run, answer, term) ? SPF_STEP_MATCH : SPF_STEP_NO_MATCH;
}

static int compare_mx(const struct dns_record *a, const struct dns_record *b)
{
	if (a->preference != b->preference)
		return a->preference < b->preference ? -1 : 1;
	return slice_compare(a->data, b->data);
}

/* The MX record that follows `last` (NULL: the first) in order of preference, then name; a null MX is none. */
static const struct dns_record *next_mx(const struct dns_answer *answer, const struct dns_record *last)
{
	const struct dns_record *next = NULL;

	for (size_t i = 0; i < answer->count; i++) {
		const struct dns_record *record = &answer->records[i];

		if (record->data.len && (!last || compare_mx(record, last) > 0) &&
		    (!next || compare_mx(record, next) < 0))
			next = record;
	}
	return next;
}

/*
 * Servers rotate the records of an answer. Hosts are therefore taken in an order of their own, so that a verdict
 * near the limit of 10 hosts, or with one of them failing, is the same each time.
 */
static int match_mx_hosts(struct spf_run *run, const struct spf_host *host, const struct spf_term *term,
			  const struct dns_answer *answer)
{
	const struct dns_record *mx = NULL;
	bool blocked = false;

	for (unsigned names = 0; (mx = next_mx(answer, mx)); names++) {
		int step = names < SPF_MX_NAMES_MAX
				   ? match_address(run, host, term, mx->data, false)
				   : spf_limit_exception(run, REASON_SPF_MX_NAMES, SPF_MX_NAMES_MAX, host, term);

		TRY(step);
		if (step == SPF_STEP_BLOCKED)
			blocked = true;
		else if (step)
			return blocked ? SPF_STEP_BLOCKED : step;
	}
	return blocked ? SPF_STEP_BLOCKED : SPF_STEP_NO_MATCH;
}

/* Section 5.4 */
static int match_mx(struct spf_run *run, const struct spf_host *host, const struct spf_term *term, struct slice target)
{
	const struct dns_answer *answer = spf_ask(run, target, DNS_MX);

	if (!answer)
		return SPF_STEP_BLOCKED;
	if (dns_is_temporary_error(answer))
		return spf_dns_exception(run, target, DNS_MX, answer, term->text);
	if (dns_is_void(answer))
		return spf_count_void(run, host, term);
	return match_mx_hosts(run, host, term, answer);
}

/* Section 5.7: "a DNS A RR lookup (even when the connection type is IPv6)" */
static int match_exists(struct spf_run *run, const struct spf_host *host, const struct spf_term *term,
			struct slice target)
{
	const struct dns_answer *answer = spf_ask(run, target, DNS_A);

	if (!answer)
		return SPF_STEP_BLOCKED;
	if (dns_is_temporary_error(answer))
		return spf_dns_exception(run, target, DNS_A, answer, term->text);
	return dns_is_void(answer) ? spf_count_void(run, host, term) : SPF_STEP_MATCH;
}

static int match_by_lookup(struct spf_run *run, struct spf_host *host, const struct spf_term *term)
{
	struct slice target;
	int step;

	if ((step = spf_count_lookup(run, host, term)))
		return step;
	if ((step = spf_target(run, host, term, &target)) != SPF_STEP_MATCH)
		return step;
	switch (term->kind) {
	case SPF_TERM_INCLUDE: return match_include(run, host, term, target);
	case SPF_TERM_A: return match_address(run, host, term, target, true);
	case SPF_TERM_MX: return match_mx(run, host, term, target);
	case SPF_TERM_PTR: return spf_match_ptr(run, host, term, target);
	default: break;
	}
	ASSERT(term->kind == SPF_TERM_EXISTS);
	return match_exists(run, host, term, target);
}

int spf_match(struct spf_run *run, struct spf_host *host, const struct spf_term *term)
{
	bool matches;

	host->decider = term;
	host->decider_domain = host->domain;
	switch (term->kind) {
	case SPF_TERM_ALL: return SPF_STEP_MATCH;
	case SPF_TERM_IP4: matches = ip_in_prefix(&run->values.client, &term->network, term->prefix_v4); break;
	case SPF_TERM_IP6: matches = ip_in_prefix(&run->values.client, &term->network, term->prefix_v6); break;
	default: return match_by_lookup(run, host, term);
	}
	return matches ? SPF_STEP_MATCH : SPF_STEP_NO_MATCH;
}
