/*
 * dmarc.h - does what SPF and DKIM proved match the author the reader sees, and what does that author ask for?
 *
 * Source:    RFC 9989 (text: draft-ietf-dmarc-dmarcbis-41), sections as named in STANDARDS chapter 1.
 * Purity:    a pure function of its input and the DNS answers (see proto/ask/ask.h).
 * Ownership: results live in the arena, or point into the input.
 * Errors:    0 done; ASK_BLOCKED: call again when answers are in; -ENOMEM.
 * Bounds:    8 queries a tree walk (section 4.10); author domains up to DMARC_AUTHOR_DOMAINS_MAX.
 */
#ifndef ASSAY_PROTO_DMARC_DMARC_H
#define ASSAY_PROTO_DMARC_DMARC_H

#include "base/arena.h"
#include "proto/ask/ask.h"
#include "proto/mail/address.h"
#include "proto/reason/reason.h"

enum dmarc_word { DMARC_RESULT_NONE, DMARC_RESULT_PASS, DMARC_RESULT_FAIL, DMARC_RESULT_TEMPERROR, DMARC_RESULT_PERMERROR };
enum dmarc_policy { DMARC_POLICY_NONE, DMARC_POLICY_QUARANTINE, DMARC_POLICY_REJECT };

#define DMARC_AUTHOR_DOMAINS_MAX 3

/* An identifier that SPF or DKIM looked at. */
struct dmarc_identifier {
	struct slice domain; /* canonical; empty: could not be read, cannot align */
	enum { DMARC_ID_PASS, DMARC_ID_NOT_PASS, DMARC_ID_TEMPERROR } state;
};

struct dmarc_input {
	const struct mail_author *author; /* as read from the From field(s), see proto/mail/address.h */
	const struct dmarc_identifier *spf;  /* the MAIL FROM identity (RFC 7208 section 2.4); NULL: SPF was not checked */
	const struct dmarc_identifier *dkim; /* one for each signature */
	size_t dkim_count;
	enum dmarc_policy no_author; /* what is asked at least of mail without a certain author (section 11.5) */
};

struct dmarc_result {
	enum dmarc_word result;
	struct slice from_domain;   /* the author domain; with several, the one that decided */
	struct slice policy_domain; /* where the record was found; empty: none */
	struct slice organizational_domain; /* of from_domain; empty: unknown (temporary error) */
	enum dmarc_policy policy;   /* the published word for this author domain: p, sp or np; before t=y */
	/*
	 * What is asked for this message: none when it passed; after t=y. With DMARC_RESULT_PERMERROR (no certain
	 * author): the strictest that a readable author domain asks for mail that fails, and dmarc_input.no_author.
	 */
	enum dmarc_policy disposition;
	bool spf_aligned;           /* an aligned pass by SPF */
	bool dkim_aligned;          /* by one of the signatures */
	bool testing;               /* the record has t=y */
	bool has_policy;            /* a policy applies: `policy` means something */
	struct slice record;        /* its text; empty: none */
	struct reason reason;
};

MUST_CHECK int dmarc_evaluate(const struct dmarc_input *input, const struct ask *ask, struct arena *arena,
                              struct dmarc_result *out);

/*
 * Asks what the author domains' policies need, before SPF and DKIM are known: so that all questions of a message are
 * under way together.
 */
void dmarc_prefetch(const struct mail_author *author, const struct ask *ask);

/*
 * What the policy asks for mail that fails: `policy` after t=y ("one level below", section 4.7); none without a policy.
 * It is what Authentication-Results says as policy.dmarc (section 9.1), for mail that passes too.
 */
enum dmarc_policy dmarc_policy_asked(const struct dmarc_result *result);

const char *dmarc_word_text(enum dmarc_word word);
const char *dmarc_policy_text(enum dmarc_policy policy);

#endif
