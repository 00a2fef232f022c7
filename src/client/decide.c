/*
 * decide.c - what to do with a message, ready made.
 *
 * Source: RFC 5321 section 4.2 and RFC 3463 for replies, RFC 7372 for SPF (5.7.23); RFC 9989 section 7.4 leaves it to the
 *         site whether the domain's wish is done.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/failure.h"
#include "client/growth.h"

__attribute__((format(printf, 3, 4))) static void reply_set(struct assay_decision *decision, enum assay_action action,
							   const char *format, ...)
{
	va_list arguments;

	decision->action = action;
	va_start(arguments, format);
	vsnprintf(decision->reply, sizeof decision->reply, format, arguments);
	va_end(arguments);
	failure_make_printable(decision->reply);
}

/* What is rejected, or kept from the inbox if the site would rather do that. */
static void reject(struct assay_decision *decision, const struct assay_site *site)
{
	if (site->quarantine_rejected)
		reply_set(decision, ASSAY_QUARANTINE, "%s", "");
}

static int has_bad_flags(const struct assay_verdict *verdict, const struct assay_site *site,
			 struct assay_decision *decision)
{
	uint32_t flags = verdict->flags & site->reject_flags;

	if (!flags)
		return 0;
	reply_set(decision, ASSAY_REJECT, "550 5.6.0 The message is malformed: %s",
		  flags & (ASSAY_FLAG_BARE_CR | ASSAY_FLAG_BARE_LF) ? "a CR or LF stands alone"
		  : flags & ASSAY_FLAG_MALFORMED_FROM               ? "no author can be read from From"
		  : flags & ASSAY_FLAG_HEADER_OVER_BOUNDS           ? "the header is too large"
								    : "the header");
	reject(decision, site);
	return 1;
}

static int dmarc_decides(const struct assay_dmarc *dmarc, const struct assay_site *site, struct assay_decision *decision)
{
	if (!dmarc || site->ignore_dmarc)
		return 0;
	if (dmarc->result == ASSAY_TEMPERROR && site->defer_temperror) {
		reply_set(decision, ASSAY_DEFER, "451 4.4.3 Cannot look up the DMARC policy of %.200s now, try again later",
			  dmarc->from_domain.octets);
		return 1;
	}
	if (dmarc->disposition == ASSAY_POLICY_REJECT && dmarc->from_domain.count == 0) {
		reply_set(decision, ASSAY_REJECT, "550 5.7.1 The message has no certain author (From)");
		reject(decision, site);
		return 1;
	}
	if (dmarc->disposition == ASSAY_POLICY_REJECT) {
		reply_set(decision, ASSAY_REJECT, "550 5.7.1 Rejected by the DMARC policy of %.200s",
			  dmarc->from_domain.octets);
		reject(decision, site);
		return 1;
	}
	if (dmarc->disposition == ASSAY_POLICY_QUARANTINE) {
		reply_set(decision, ASSAY_QUARANTINE, "%s", "");
		return 1;
	}
	return 0;
}

static int spf_decides(const struct assay_verdict *verdict, const struct assay_site *site,
		       struct assay_decision *decision)
{
	if (!site->reject_spf_fail || !verdict->spf || verdict->spf->result != ASSAY_FAIL)
		return 0;
	reply_set(decision, ASSAY_REJECT, "550 5.7.23 SPF of %.100s: this host may not send its mail%s%.200s",
		  verdict->spf->domain.octets, verdict->spf->explanation ? ": " : "",
		  verdict->spf->explanation ? verdict->spf->explanation : "");
	reject(decision, site);
	return 1;
}

static void insert_add(struct assay_decision *decision, const char *name, const struct assay_text *value)
{
	if (value->count == 0)
		return;
	decision->insert[decision->insert_count].name = name;
	decision->insert[decision->insert_count++].value = value->octets;
}

static void decide(const struct assay_verdict *verdict, const struct assay_site *site, struct assay_decision *decision)
{
	if (!verdict && site->missing == ASSAY_MISSING_DEFER) {
		reply_set(decision, ASSAY_DEFER, "451 4.3.0 Mail cannot be authenticated now, try again later");
		return;
	}
	decision->action = ASSAY_ACCEPT;
	if (!verdict)
		return;
	if (!has_bad_flags(verdict, site, decision) && !spf_decides(verdict, site, decision))
		(void)dmarc_decides(verdict->dmarc, site, decision);
	decision->delete_fields = verdict->delete_fields;
	decision->delete_count = verdict->delete_count;
	insert_add(decision, "Authentication-Results", &verdict->authentication_results);
	insert_add(decision, "Received-SPF", &verdict->received_spf);
}

enum assay_error assay_decide(const struct assay_answer *answer, const struct assay_site *site,
			      struct assay_decision *decision_out, struct assay_failure *failure)
{
	struct assay_decision decision = { .size = decision_out->size };
	const size_t shared = size_shared(decision.size, sizeof decision);

	if (decision.size < DECISION_SIZE_FIRST)
		return failure_set(failure, ASSAY_ERROR_ARGUMENT, "assay_decision.size is not set");
	memcpy(decision_out, &decision, shared);
	if (site->size < SITE_SIZE_FIRST)
		return failure_set(failure, ASSAY_ERROR_ARGUMENT, "assay_site.size is not set");
	if (site->missing != ASSAY_MISSING_ACCEPT && site->missing != ASSAY_MISSING_DEFER)
		return failure_set(failure, ASSAY_ERROR_ARGUMENT, "assay_site.missing is not set");
	decide(answer ? assay_answer_verdict(answer) : NULL, site, &decision);
	memcpy(decision_out, &decision, shared);
	return ASSAY_OK;
}
