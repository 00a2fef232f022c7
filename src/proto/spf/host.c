#include "proto/mail/domain.h"
#include "proto/spf/limits.h"
#include "proto/spf/run.h"

bool spf_domain_is_checkable(struct slice domain)
{
	struct ip_address address;

	return spf_name_is_askable(domain) && domain_label_count(domain) > 1 && !ip_parse(domain, &address);
}

/* Section 4.5: the SPF records among those of a name. */
struct selection {
	size_t count;
	struct spf_record record; /* the first */
};

static int selection_read(const struct dns_answer *answer, struct arena *arena, void *object)
{
	struct selection *selection = object;

	for (size_t i = 0; i < answer->count; i++) {
		struct slice text = answer->records[i].data;

		if (spf_record_is_spf(text) && selection->count++ == 0)
			TRY(spf_record_parse(text, arena, &selection->record));
	}
	return 0;
}

static const struct dns_form selection_form = { sizeof(struct selection), selection_read };

static int several_records(struct spf_run *run, const struct spf_host *host, size_t count)
{
	struct text text;
	struct slice number;

	text_init(&text, run->arena);
	text_u64(&text, count);
	TRY(text_finish(&text, &number));
	return spf_permerror(run, reason_of_2(REASON_SPF_SEVERAL_RECORDS, host->domain, number));
}

static int host_none(struct spf_host *host, enum reason_id id)
{
	host->word = SPF_NONE;
	host->none_reason = reason_of_1(id, host->domain);
	return SPF_STEP_NO_MATCH;
}

/* Sections 4.4 to 4.6: MATCH: host->record is there; NO_MATCH: host->word is "none". */
static int host_fetch(struct spf_run *run, struct spf_host *host)
{
	const struct dns_answer *answer = spf_ask_as(run, host->domain, DNS_TXT, &selection_form);
	const struct selection *selection;
	const void *object;

	if (!answer)
		return SPF_STEP_BLOCKED;
	if (dns_is_temporary_error(answer))
		return spf_dns_exception(run, host->domain, DNS_TXT, answer, host->needed_for);
	if (answer->outcome == DNS_NXDOMAIN)
		return host_none(host, REASON_SPF_NXDOMAIN);
	if (answer->outcome == DNS_NODATA)
		return host_none(host, REASON_SPF_NO_RECORD);
	TRY(dns_answer_read(answer, &selection_form, run->arena, &object));
	selection = object;
	if (selection->count == 0)
		return host_none(host, REASON_SPF_NO_RECORD);
	if (selection->count > 1)
		return several_records(run, host, selection->count);
	host->record = &selection->record;
	if (host->record->error)
		return spf_permerror(run, reason_of_2(host->record->error, host->record->error_term, host->domain));
	return SPF_STEP_MATCH;
}

/* Section 4.6.2: the mechanisms from left to right. Behind one that is pending they are only asked for. */
static int host_terms(struct spf_run *run, struct spf_host *host)
{
	bool blocked = false;

	for (size_t i = 0; i < host->record->terms_count; i++) {
		int step = spf_match(run, host, &host->record->terms[i]);

		TRY(step);
		if (step == SPF_STEP_MATCH)
			host->term = &host->record->terms[i];
		if (step == SPF_STEP_BLOCKED)
			blocked = true;
		else if (step)
			return blocked ? SPF_STEP_BLOCKED : step;
	}
	return blocked ? SPF_STEP_BLOCKED : SPF_STEP_NO_MATCH;
}

/* Section 6.1: the host becomes the one redirected to, whose exp= is then the one that counts. */
static int host_redirect(struct spf_run *run, struct spf_host *host)
{
	const struct spf_term *term = host->record->redirect;
	struct spf_host target = { .needed_for = term->text, .depth = host->depth + 1 };
	int step;

	if ((step = spf_count_lookup(run, host, term)))
		return step;
	if (target.depth > SPF_DEPTH_MAX)
		return spf_limit_exception(run, REASON_SPF_DEPTH, SPF_DEPTH_MAX, host, term);
	step = spf_target(run, host, term, &target.domain);
	if (step != SPF_STEP_MATCH)
		return step;
	if ((step = spf_check_host(run, &target)))
		return step;
	if (target.word == SPF_NONE)
		return spf_permerror(run, reason_of_2(REASON_SPF_TARGET_NONE, term->text, host->domain));
	*host = target;
	return SPF_STEP_NO_MATCH;
}

int spf_check_host(struct spf_run *run, struct spf_host *host)
{
	int step = host_fetch(run, host), redirected;

	if (step != SPF_STEP_MATCH)
		return step;
	step = host_terms(run, host);
	if (step == SPF_STEP_MATCH) {
		host->word = host->term->word;
		return 0;
	}
	if (step < 0 || step == SPF_STEP_EXCEPTION)
		return step;
	host->word = SPF_NEUTRAL; /* section 4.7 */
	/* A match behind a pending term was dropped, yet evaluation can never come past it: nothing more to ask for. */
	if (!host->record->redirect || host->term)
		return step;
	redirected = host_redirect(run, host);
	return step == SPF_STEP_BLOCKED && redirected >= 0 ? step : redirected;
}
