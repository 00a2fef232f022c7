/*
 * shadow.h - what DMARC was before RFC 9989: computed beside the real result, compared with it, never acted on.
 *
 * Source:    RFC 7489 sections 3.2 (organizational domain by a public suffix list), 6.6.2, 6.6.3 (policy discovery: the
 *            author domain, then its organizational domain, and nothing else) and 6.6.4 (pct); STANDARDS 1.6.
 * Purity:    a pure function of its input, the list and the DNS answers (see proto/ask/ask.h).
 * Influence: none on the real result, which has to be there already: nothing is asked before it is, so that no question
 *            of the shadow's can cost the budget one of its.
 * Errors:    0 done; ASK_BLOCKED: call again when answers are in.
 * Bounds:    two questions an author domain, both of which the tree walk has asked too in nearly all cases: not
 *            where it stopped below the organizational domain, or jumped over it (names of more than 8 labels).
 */
#ifndef ASSAY_PROTO_DMARC_SHADOW_H
#define ASSAY_PROTO_DMARC_SHADOW_H

#include "proto/dmarc/dmarc.h"

/* A public suffix list, which somebody else has read. */
struct dmarc_public_suffixes {
	/*
	 * The public suffix that `name` ends in and one label more, as a slice of `name`, which is canonical (see
	 * proto/mail/domain.h). Empty: there is no such label, `name` is a public suffix itself. NULL: no list.
	 */
	struct slice (*organizational_domain)(void *arg, struct slice name);
	void *arg;
};

struct dmarc_shadow {
	bool evaluated;                     /* false: no list, or no certain author; the rest means nothing */
	enum dmarc_word result;             /* pass, fail, none or temperror */
	struct slice from_domain;           /* the author domain; with several, the one that decided */
	struct slice organizational_domain; /* of from_domain */
	struct slice policy_domain;         /* where the record is; empty: none */
	bool has_policy;                    /* a policy applies: `policy` and `pct` mean something */
	enum dmarc_policy policy;           /* p or sp */
	unsigned pct;                       /* how many of a hundred messages it is for */
	/*
	 * What is asked for this message: of those that are among the pct, and of the others (reject is quarantine for
	 * them, quarantine is nothing). No lot is drawn: where pct is 100 or 0 both are the same.
	 */
	enum dmarc_policy disposition, disposition_unsampled;
	bool differs; /* result or disposition (one of the two) is not the real one */
};

/* `real`: what dmarc_evaluate() made of the same input. */
MUST_CHECK int dmarc_shadow_evaluate(const struct dmarc_input *input, const struct dmarc_public_suffixes *suffixes,
				     const struct ask *ask, const struct dmarc_result *real, struct dmarc_shadow *out);

#endif
