/*
 * candidates.h - which of a message's signatures are looked at.
 *
 * Source:    RFC 6376 section 6.1 (a verifier may bound their number); LESSONS row 4: over the bound, decoys must not
 *            displace the signature that counts, so those of the author's domain come first.
 * Purity:    no I/O, no clock.
 * Bounds:    DKIM_FIELDS_MAX fields from the top, and `max` of them.
 */
#ifndef ASSAY_PROTO_DKIM_CANDIDATES_H
#define ASSAY_PROTO_DKIM_CANDIDATES_H

#include "proto/dkim/limits.h"

struct dkim_candidates {
	const struct mail_field *fields[DKIM_FIELDS_MAX]; /* DKIM-Signature fields, from the top */
	bool chosen[DKIM_FIELDS_MAX];
	size_t count, chosen_count;
	size_t total; /* DKIM-Signature fields of the message */
};

/*
 * Chooses at most `max`: those whose d= equals an author domain, then those above or below one, then the rest, each
 * from the top. No field is parsed unless there are more than `max`. 0 or -ENOMEM.
 */
MUST_CHECK int dkim_candidates_choose(const struct mail_message *message, size_t max,
                                      const struct slice *author_domains, size_t author_domains_count,
                                      struct arena *arena, struct dkim_candidates *out);

#endif
