#include "proto/dmarc/dmarc.h"

#include "proto/dmarc/author.h"
#include "proto/dmarc/walk.h"
#include "proto/mail/domain.h"

const char *dmarc_word_text(enum dmarc_word word)
{
	switch (word) {
	case DMARC_RESULT_NONE: return "none";
	case DMARC_RESULT_PASS: return "pass";
	case DMARC_RESULT_FAIL: return "fail";
	case DMARC_RESULT_TEMPERROR: return "temperror";
	case DMARC_RESULT_PERMERROR: return "permerror";
	}
	return "permerror";
}

const char *dmarc_policy_text(enum dmarc_policy policy)
{
	switch (policy) {
	case DMARC_POLICY_NONE: return "none";
	case DMARC_POLICY_QUARANTINE: return "quarantine";
	case DMARC_POLICY_REJECT: return "reject";
	}
	return "none";
}

/* Why there is no policy: the step nearest to the author domain that threw records away, or none at all. */
static struct reason none_reason(const struct dmarc_walk *walk)
{
	for (size_t i = 0; i < walk->steps_count; i++) {
		if (walk->steps[i].discarded > 1)
			return reason_of_1(REASON_DMARC_SEVERAL_RECORDS, walk->steps[i].name);
		if (walk->steps[i].discarded)
			return reason_of_1(REASON_DMARC_INVALID_RECORD, walk->steps[i].name);
	}
	return reason_of_1(REASON_DMARC_NO_RECORD, walk->steps[0].name);
}

static struct reason error_reason(const struct dmarc_walk *walk)
{
	const struct dmarc_step *step = walk->steps;

	while (step->state != DMARC_STEP_ERROR)
		step++;
	return reason_of_2(REASON_DMARC_POLICY_TEMPERROR, step->name, slice_of_str(dns_outcome_text(step->outcome)));
}

/*
 * What the walk from an author domain says. True when a policy applies; otherwise out->result says what is to be
 * said instead.
 */
static bool policy_found(const struct dmarc_walk *walk, struct dmarc_result *out)
{
	*out = (struct dmarc_result){ .from_domain = walk->steps[0].name,
				      .organizational_domain = walk->organizational_domain };
	if (!walk->policy_known) {
		out->result = DMARC_RESULT_TEMPERROR;
		out->reason = error_reason(walk);
		return false;
	}
	if (!walk->policy) {
		out->reason = none_reason(walk);
		return false;
	}
	out->policy_domain = walk->policy->name;
	out->record = walk->policy->record.text;
	out->testing = walk->policy->record.testing;
	out->has_policy = walk->policy->record.applies;
	if (!out->has_policy)
		out->reason = reason_of_1(REASON_DMARC_NO_POLICY, out->policy_domain);
	return out->has_policy;
}

#define POLICY_UNKNOWN 2

/* "Non-existent" is NXDOMAIN for the name itself (3.2.13); NXDOMAIN of the "_dmarc" name below it says nothing. */
static int author_exists(const struct dmarc_walk *walk, const struct ask *ask, struct dmarc_result *out, bool *exists)
{
	const struct dns_answer *answer;

	*exists = true;
	if (walk->steps[0].outcome == DNS_FOUND || walk->steps[0].outcome == DNS_NODATA)
		return 0;
	/* The question that SPF has asked, where the reverse-path is of the same domain. */
	answer = ask_dns(ask, walk->steps[0].name, DNS_TXT, NULL);
	if (!answer)
		return ASK_BLOCKED;
	if (dns_is_temporary_error(answer)) {
		out->reason = reason_of_2(REASON_DMARC_EXISTENCE_TEMPERROR, walk->steps[0].name,
					  slice_of_str(dns_outcome_text(answer->outcome)));
		return POLICY_UNKNOWN;
	}
	*exists = answer->outcome != DNS_NXDOMAIN;
	return 0;
}

/*
 * 4.10.1: p at the author domain itself, else sp or np. 0; ASK_BLOCKED; POLICY_UNKNOWN with out->reason, after a
 * temporary error: then out->policy is the milder of the two.
 */
static int policy_choose(const struct dmarc_walk *walk, const struct ask *ask, struct dmarc_result *out)
{
	const struct dmarc_record *record = &walk->policy->record;
	bool exists;
	int result;

	if (walk->policy == &walk->steps[0]) {
		out->policy = record->p;
		return 0;
	}
	out->policy = record->sp;
	if (record->np == record->sp)
		return 0;
	result = author_exists(walk, ask, out, &exists);
	if (result == POLICY_UNKNOWN)
		out->policy = record->np < record->sp ? record->np : record->sp;
	else if (result == 0 && !exists)
		out->policy = record->np;
	return result;
}

enum dmarc_policy dmarc_policy_asked(const struct dmarc_result *result)
{
	if (!result->has_policy || result->policy == DMARC_POLICY_NONE)
		return DMARC_POLICY_NONE;
	return result->testing ? (enum dmarc_policy)(result->policy - 1) : result->policy;
}

enum alignment { ALIGNED, NOT_ALIGNED, ALIGNMENT_UNKNOWN, ALIGNMENT_PENDING };

/* 4.10.2. Of names that cannot align no question is asked: many signatures would make many walks. */
static enum alignment alignment_of(struct slice name, bool strict, const struct dmarc_walk *author,
				   const struct ask *ask)
{
	struct dmarc_walk walk;

	if (name.len == 0)
		return NOT_ALIGNED;
	if (domain_equal(name, author->steps[0].name))
		return ALIGNED;
	if (strict)
		return NOT_ALIGNED;
	if (!author->organizational_domain_known)
		return domain_is_equal_or_below(name, dmarc_walk_highest_candidate(author)) ? ALIGNMENT_UNKNOWN
											    : NOT_ALIGNED;
	if (!domain_is_equal_or_below(name, author->organizational_domain))
		return NOT_ALIGNED;
	if (dmarc_walk(name, ask, &walk) == ASK_BLOCKED)
		return ALIGNMENT_PENDING;
	if (!walk.organizational_domain_known)
		return ALIGNMENT_UNKNOWN;
	return domain_equal(walk.organizational_domain, author->organizational_domain) ? ALIGNED : NOT_ALIGNED;
}

struct tally {
	bool spf_aligned, dkim_aligned;
	bool blocked;
	struct slice aligned;    /* the first aligned pass */
	struct slice unaligned;  /* the first pass that is not */
	struct reason undecided; /* a temporary error that hides what might be an aligned pass */
};

static void tally_identifier(const struct dmarc_identifier *id, bool strict, const struct dmarc_walk *author,
			     const struct ask *ask, struct tally *tally, bool *aligned)
{
	enum alignment alignment = alignment_of(id->domain, strict, author, ask);
	enum reason_id why = REASON_DMARC_ALIGNMENT_TEMPERROR;

	if (alignment == ALIGNMENT_PENDING) {
		tally->blocked = true;
	} else if (alignment == NOT_ALIGNED) {
		if (id->state == DMARC_ID_PASS && !tally->unaligned.len)
			tally->unaligned = id->domain;
	} else if (alignment == ALIGNED && id->state == DMARC_ID_PASS) {
		*aligned = true;
		if (!tally->aligned.len)
			tally->aligned = id->domain;
	} else if (tally->undecided.id == REASON_NONE) {
		if (id->state == DMARC_ID_TEMPERROR)
			why = REASON_DMARC_IDENTIFIER_TEMPERROR;
		tally->undecided = reason_of_2(why, id->domain, author->steps[0].name);
	}
}

static void tally_state(const struct dmarc_input *input, int state, const struct dmarc_walk *author,
			const struct ask *ask, struct tally *tally)
{
	const struct dmarc_record *record = &author->policy->record;

	if (input->spf && (int)input->spf->state == state)
		tally_identifier(input->spf, record->aspf_strict, author, ask, tally, &tally->spf_aligned);
	for (size_t i = 0; i < input->dkim_count; i++)
		if ((int)input->dkim[i].state == state)
			tally_identifier(&input->dkim[i], record->adkim_strict, author, ask, tally,
					 &tally->dkim_aligned);
}

static struct reason fail_reason(const struct dmarc_walk *author, const struct tally *tally)
{
	const struct dmarc_record *record = &author->policy->record;
	struct slice from = author->steps[0].name;

	if (!tally->unaligned.len)
		return reason_of_1(REASON_DMARC_FAIL_NO_PASS, from);
	if (record->adkim_strict || record->aspf_strict)
		return reason_of_2(REASON_DMARC_FAIL_STRICT, tally->unaligned, from);
	return reason_of_2(REASON_DMARC_FAIL_UNALIGNED, tally->unaligned, from);
}

/* 5.3.5 and 5.3.6; an aligned pass is enough, whatever else could not be found out. */
static void conclude(const struct dmarc_walk *author, const struct tally *tally, bool policy_unknown,
		     struct dmarc_result *out)
{
	out->spf_aligned = tally->spf_aligned;
	out->dkim_aligned = tally->dkim_aligned;
	if (tally->spf_aligned || tally->dkim_aligned) {
		out->result = DMARC_RESULT_PASS;
		out->reason = reason_of_2(REASON_DMARC_PASS, tally->aligned, out->from_domain);
	} else if (tally->undecided.id != REASON_NONE) {
		out->result = DMARC_RESULT_TEMPERROR;
		out->reason = tally->undecided;
	} else if (policy_unknown) {
		out->result = DMARC_RESULT_TEMPERROR; /* with the reason of policy_choose() */
	} else {
		out->result = DMARC_RESULT_FAIL;
		out->reason = fail_reason(author, tally);
		out->disposition = dmarc_policy_asked(out);
	}
}

static int evaluate_author(struct slice name, const struct dmarc_input *input, const struct ask *ask,
			   struct dmarc_result *out)
{
	struct dmarc_walk author;
	struct tally tally = { 0 };
	int chosen;

	if (dmarc_walk(name, ask, &author) == ASK_BLOCKED)
		return ASK_BLOCKED;
	if (!policy_found(&author, out))
		return 0;
	tally_state(input, DMARC_ID_PASS, &author, ask, &tally);
	if (!tally.spf_aligned && !tally.dkim_aligned)
		tally_state(input, DMARC_ID_TEMPERROR, &author, ask, &tally);
	chosen = policy_choose(&author, ask, out);
	if (tally.blocked || chosen == ASK_BLOCKED)
		return ASK_BLOCKED;
	conclude(&author, &tally, chosen == POLICY_UNKNOWN, out);
	return 0;
}

/* Of a From field that cannot be relied on: what its readable domains ask for mail that fails. */
static int evaluate_policy(struct slice name, const struct ask *ask, struct dmarc_result *out)
{
	struct dmarc_walk walk;

	if (dmarc_walk(name, ask, &walk) == ASK_BLOCKED)
		return ASK_BLOCKED;
	if (policy_found(&walk, out) && policy_choose(&walk, ask, out) == ASK_BLOCKED)
		return ASK_BLOCKED;
	out->result = DMARC_RESULT_PERMERROR;
	out->disposition = dmarc_policy_asked(out);
	return 0;
}

unsigned dmarc_weight(enum dmarc_word result, enum dmarc_policy disposition)
{
	switch (result) {
	case DMARC_RESULT_PASS: return 0;
	case DMARC_RESULT_NONE: return 1;
	case DMARC_RESULT_TEMPERROR: return 3;
	case DMARC_RESULT_FAIL:
	case DMARC_RESULT_PERMERROR: break;
	}
	return disposition == DMARC_POLICY_NONE ? 2 : 3 + (unsigned)disposition;
}

bool dmarc_author_is_usable(const struct mail_author *author)
{
	return author->state == MAIL_AUTHOR_OK && !author->domains_more &&
	       author->domains_count <= DMARC_AUTHOR_DOMAINS_MAX;
}

static struct reason author_reason(const struct mail_author *author)
{
	switch (author->state) {
	case MAIL_AUTHOR_MISSING: return reason_of(REASON_FROM_MISSING);
	case MAIL_AUTHOR_SEVERAL_FIELDS: return reason_of(REASON_FROM_SEVERAL_FIELDS);
	case MAIL_AUTHOR_MALFORMED: return reason_of(REASON_FROM_MALFORMED);
	case MAIL_AUTHOR_NO_ADDRESS: return reason_of(REASON_FROM_NO_ADDRESS);
	case MAIL_AUTHOR_OK: break;
	}
	return reason_of(REASON_FROM_MANY_DOMAINS);
}

static size_t domains_looked_at(const struct mail_author *author)
{
	return author->domains_count < DMARC_AUTHOR_DOMAINS_MAX ? author->domains_count : DMARC_AUTHOR_DOMAINS_MAX;
}

int dmarc_evaluate(const struct dmarc_input *input, const struct ask *ask, struct arena *arena,
		   struct dmarc_result *out)
{
	const struct mail_author *author = input->author;
	bool usable = dmarc_author_is_usable(author), blocked = false;
	struct dmarc_result result;

	(void)arena; /* everything said is a slice of the input or of an answer */
	*out = (struct dmarc_result){ .result = DMARC_RESULT_PERMERROR };
	/* Group syntax without an address (RFC 6854) names no author: nothing to check, nothing wrong with it. */
	if (author->state == MAIL_AUTHOR_NO_ADDRESS)
		out->result = DMARC_RESULT_NONE;
	for (size_t i = 0; i < domains_looked_at(author); i++) {
		int waiting = usable ? evaluate_author(author->domains[i], input, ask, &result)
				     : evaluate_policy(author->domains[i], ask, &result);

		blocked = blocked || waiting;
		if (!waiting && (i == 0 || dmarc_weight(result.result, result.disposition) >
						   dmarc_weight(out->result, out->disposition)))
			*out = result;
	}
	if (!usable)
		out->reason = author_reason(author);
	if (out->result == DMARC_RESULT_PERMERROR && out->disposition < input->no_author)
		out->disposition = input->no_author;
	return blocked ? ASK_BLOCKED : 0;
}

void dmarc_prefetch(const struct mail_author *author, const struct ask *ask)
{
	struct dmarc_result unused;

	for (size_t i = 0; i < domains_looked_at(author); i++)
		if (evaluate_policy(author->domains[i], ask, &unused))
			continue;
}
