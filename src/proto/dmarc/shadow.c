#include "proto/dmarc/shadow.h"

#include "proto/dmarc/author.h"
#include "proto/dmarc/walk.h"
#include "proto/mail/domain.h"

/* The policy records at one name. */
struct record_set {
	enum { SET_EMPTY, SET_ONE, SET_SEVERAL, SET_ERROR } state;
	struct dmarc_record record; /* for SET_ONE; does not apply when it is invalid */
};

/* 6.6.3 steps 1 and 2, or 3 and 4. */
static int record_set_read(struct slice name, const struct ask *ask, struct record_set *out)
{
	const struct dns_answer *answer = dmarc_ask_records(name, ask);
	size_t policies = 0;

	*out = (struct record_set){ .state = SET_EMPTY };
	if (!answer)
		return ASK_BLOCKED;
	if (dns_is_temporary_error(answer)) {
		out->state = SET_ERROR;
		return 0;
	}
	for (size_t i = 0; i < answer->count; i++)
		policies += dmarc_record_parse_rfc7489(answer->records[i].data, &out->record) != DMARC_RECORD_OTHER;
	if (policies)
		out->state = policies == 1 ? SET_ONE : SET_SEVERAL;
	return 0;
}

/* 3.2. Of a public suffix itself it is the name: so that it is aligned with itself alone. */
static struct slice organizational_domain(const struct dmarc_public_suffixes *suffixes, struct slice name)
{
	struct slice found = suffixes->organizational_domain(suffixes->arg, name);

	return found.len ? found : name;
}

/* 6.6.3. The record found is in *set; without a policy that applies out->result says what is to be said. */
static int find_policy(const struct ask *ask, struct dmarc_shadow *out, struct record_set *set)
{
	struct slice name = out->from_domain;

	if (record_set_read(name, ask, set) == ASK_BLOCKED)
		return ASK_BLOCKED;
	if (set->state == SET_EMPTY && !domain_equal(name, out->organizational_domain)) {
		name = out->organizational_domain;
		if (record_set_read(name, ask, set) == ASK_BLOCKED)
			return ASK_BLOCKED;
	}
	if (set->state == SET_ERROR)
		out->result = DMARC_RESULT_TEMPERROR;
	if (set->state != SET_ONE)
		return 0;
	out->policy_domain = name;
	out->has_policy = set->record.applies;
	out->policy = domain_equal(name, out->from_domain) ? set->record.p : set->record.sp;
	out->pct = set->record.pct;
	return 0;
}

/* 3.1.1 and 3.1.2. */
static bool is_aligned(const struct dmarc_identifier *id, bool strict, const struct dmarc_public_suffixes *suffixes,
		       const struct dmarc_shadow *shadow)
{
	if (id->domain.len == 0)
		return false;
	if (strict)
		return domain_equal(id->domain, shadow->from_domain);
	return domain_equal(organizational_domain(suffixes, id->domain), shadow->organizational_domain);
}

/* Is there an aligned identifier in that state? */
static bool any_aligned(const struct dmarc_input *input, int state, const struct dmarc_record *record,
			const struct dmarc_public_suffixes *suffixes, const struct dmarc_shadow *shadow)
{
	if (input->spf && (int)input->spf->state == state &&
	    is_aligned(input->spf, record->aspf_strict, suffixes, shadow))
		return true;
	for (size_t i = 0; i < input->dkim_count; i++)
		if ((int)input->dkim[i].state == state &&
		    is_aligned(&input->dkim[i], record->adkim_strict, suffixes, shadow))
			return true;
	return false;
}

/* 6.6.4: what is asked for messages that are not among the pct. */
static void dispose(struct dmarc_shadow *out)
{
	enum dmarc_policy below =
		out->policy == DMARC_POLICY_NONE ? DMARC_POLICY_NONE : (enum dmarc_policy)(out->policy - 1);

	out->disposition = out->pct > 0 ? out->policy : below;
	out->disposition_unsampled = out->pct < 100 ? below : out->policy;
}

static int evaluate_author(struct slice name, const struct dmarc_input *input,
			   const struct dmarc_public_suffixes *suffixes, const struct ask *ask,
			   struct dmarc_shadow *out)
{
	struct record_set set;

	*out = (struct dmarc_shadow){ .evaluated = true, .result = DMARC_RESULT_NONE, .from_domain = name };
	out->organizational_domain = organizational_domain(suffixes, name);
	if (find_policy(ask, out, &set) == ASK_BLOCKED)
		return ASK_BLOCKED;
	if (!out->has_policy)
		return 0;
	/* 6.6.2: an aligned pass is enough; without one, a temporary error of what may align leaves it open. */
	if (any_aligned(input, DMARC_ID_PASS, &set.record, suffixes, out)) {
		out->result = DMARC_RESULT_PASS;
	} else if (any_aligned(input, DMARC_ID_TEMPERROR, &set.record, suffixes, out)) {
		out->result = DMARC_RESULT_TEMPERROR;
	} else {
		out->result = DMARC_RESULT_FAIL;
		dispose(out);
	}
	return 0;
}

static bool differs(const struct dmarc_shadow *shadow, const struct dmarc_result *real)
{
	return shadow->result != real->result || shadow->disposition != real->disposition ||
	       shadow->disposition_unsampled != real->disposition;
}

int dmarc_shadow_evaluate(const struct dmarc_input *input, const struct dmarc_public_suffixes *suffixes,
			  const struct ask *ask, const struct dmarc_result *real, struct dmarc_shadow *out)
{
	const struct mail_author *author = input->author;
	struct dmarc_shadow result;
	bool blocked = false;

	*out = (struct dmarc_shadow){ .evaluated = false };
	if (!suffixes->organizational_domain || author->domains_count == 0 || !dmarc_author_is_usable(author))
		return 0;
	for (size_t i = 0; i < author->domains_count; i++) {
		int waiting = evaluate_author(author->domains[i], input, suffixes, ask, &result);

		blocked = blocked || waiting;
		if (!waiting && (i == 0 || dmarc_weight(result.result, result.disposition) >
						   dmarc_weight(out->result, out->disposition)))
			*out = result;
	}
	out->differs = differs(out, real);
	return blocked ? ASK_BLOCKED : 0;
}
